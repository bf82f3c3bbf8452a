//! Towns that there are not, with what a square metre costs there.

/// A town.
pub(super) struct Town {
    pub(super) name: &'static str,
    pub(super) postcodes: &'static [&'static str],
    /// What a square metre of a flat costs, in euros: of a middling one.
    pub(super) guide: u32,
}

const fn town(name: &'static str, postcodes: &'static [&'static str], guide: u32) -> Town {
    Town {
        name,
        postcodes,
        guide,
    }
}

pub(super) const TOWNS: [Town; 12] = [
    town("Aldenbruck", &["61431", "61433"], 5200),
    town("Birkenau am See", &["78214"], 6400),
    town("Dornfelde", &["39017"], 2100),
    town("Eschweide", &["52388"], 2900),
    town("Falkenrode", &["37290"], 2400),
    town("Hohenlinde", &["80917", "80919"], 7800),
    town("Kaltenbach", &["87651"], 3600),
    town("Lerchenfurt", &["64527"], 4300),
    town("Moorwerder", &["27632"], 2700),
    town("Rabenstedt", &["06184"], 1900),
    town("Steinhafen", &["24398", "24399"], 4700),
    town("Wiesental", &["79688"], 3900),
];

pub(super) const STREETS: [&str; 20] = [
    "Ahornstraße",
    "Am Mühlgraben",
    "Bahnhofstraße",
    "Birkenweg",
    "Brunnengasse",
    "Feldstraße",
    "Gartenstraße",
    "Hafenstraße",
    "Hauptstraße",
    "Im Winkel",
    "Kastanienallee",
    "Kirchgasse",
    "Lindenstraße",
    "Marktplatz",
    "Mozartstraße",
    "Rosenweg",
    "Schillerstraße",
    "Talstraße",
    "Uferweg",
    "Wiesenstraße",
];
