//! What can be wrong with a row, and what has to come of it.

/// A planted fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    PriceUnreadable,
    AreaInSquareFeet,
    ImpossibleYear,
    RoomsDoNotFit,
    EnergyClassMissing,
    PostcodeDoesNotFit,
    DiscriminatoryWording,
    UnprovableClaim,
    ContactInText,
    PlaceholderText,
    Shouting,
    PriceOutlier,
    DuplicateListing,
}

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is in the catalogue, perhaps mended.
    Listed,
    /// A person has to look at it first.
    Withdrawn,
    /// The same thing is in the catalogue already.
    Duplicate,
}

impl Fault {
    #[cfg(test)]
    pub(super) const ALL: [Self; 13] = [
        Self::PriceUnreadable,
        Self::AreaInSquareFeet,
        Self::ImpossibleYear,
        Self::RoomsDoNotFit,
        Self::EnergyClassMissing,
        Self::PostcodeDoesNotFit,
        Self::DiscriminatoryWording,
        Self::UnprovableClaim,
        Self::ContactInText,
        Self::PlaceholderText,
        Self::Shouting,
        Self::PriceOutlier,
        Self::DuplicateListing,
    ];

    /// The rule that finds it.
    pub(super) const fn rule(self) -> &'static str {
        match self {
            Self::PriceUnreadable => "price-unreadable",
            Self::AreaInSquareFeet => "area-in-square-feet",
            Self::ImpossibleYear => "impossible-year",
            Self::RoomsDoNotFit => "rooms-do-not-fit",
            Self::EnergyClassMissing => "energy-class-missing",
            Self::PostcodeDoesNotFit => "postcode-does-not-fit",
            Self::DiscriminatoryWording => "discriminatory-wording",
            Self::UnprovableClaim => "unprovable-claim",
            Self::ContactInText => "contact-in-text",
            Self::PlaceholderText => "placeholder-text",
            Self::Shouting => "shouting",
            Self::PriceOutlier => "price-outlier",
            Self::DuplicateListing => "duplicate-listing",
        }
    }

    /// What has to come of a row that has it.
    pub(super) const fn fate(self) -> Fate {
        match self {
            Self::AreaInSquareFeet
            | Self::PostcodeDoesNotFit
            | Self::UnprovableClaim
            | Self::ContactInText
            | Self::PlaceholderText
            | Self::Shouting => Fate::Listed,
            Self::DuplicateListing => Fate::Duplicate,
            Self::PriceUnreadable
            | Self::ImpossibleYear
            | Self::RoomsDoNotFit
            | Self::EnergyClassMissing
            | Self::DiscriminatoryWording
            | Self::PriceOutlier => Fate::Withdrawn,
        }
    }
}

impl Fate {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Withdrawn => "withdrawn",
            Self::Duplicate => "duplicate",
        }
    }
}
