//! One listing: what is true of it, and how its cells say so.

use super::draw::Draw;
use super::fault::Fault;
use super::town::Town;
use super::{text, town};

/// The year in which the listings were written.
pub(super) const THIS_YEAR: u32 = 2026;

/// Energy classes from the best to the worst.
const CLASSES: [&str; 9] = ["A+", "A", "B", "C", "D", "E", "F", "G", "H"];

/// What is for sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Flat,
    House,
}

/// What the cells of a row say.
#[derive(Clone, Debug)]
pub(super) struct Cells {
    pub(super) title: String,
    pub(super) street: String,
    pub(super) postcode: String,
    pub(super) area: String,
    pub(super) rooms: String,
    pub(super) year: String,
    pub(super) price: String,
    pub(super) energy: String,
    pub(super) text: String,
}

/// A listing.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) town: &'static Town,
    pub(super) kind: Kind,
    /// Square metres.
    pub(super) area: u32,
    /// In halves: 5 are two and a half rooms.
    pub(super) half_rooms: u32,
    /// Euros, a multiple of a thousand.
    pub(super) price: u32,
    pub(super) cells: Cells,
    pub(super) fault: Option<Fault>,
    /// What it looks like, and is not.
    pub(super) decoy: Option<&'static str>,
}

impl Kind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::House => "house",
        }
    }
}

impl Row {
    /// A listing with nothing wrong. `number` tells the house from all others
    /// of its street.
    pub(super) fn draw(draw: &mut Draw, number: u32) -> Self {
        let town = draw.one(&town::TOWNS);
        let kind = *draw.one(&[Kind::Flat, Kind::Flat, Kind::House]);
        let area = match kind {
            Kind::Flat => draw.between(28, 140),
            Kind::House => draw.between(90, 240),
        };
        let half_rooms = (area * 2 / draw.between(20, 34)).max(2);
        let half_rooms = if half_rooms > 6 {
            half_rooms / 2 * 2
        } else {
            half_rooms
        };
        let year = draw.between(1900, THIS_YEAR);
        let class = class_of(year, draw);
        let price = price_of(town, kind, area, year, class, draw.between(93, 107));
        let street = format!("{} {number}", draw.one(&town::STREETS));
        let cells = Cells {
            title: text::title(kind, half_rooms, draw),
            street,
            postcode: (*draw.one(town.postcodes)).to_owned(),
            area: area_cell(area, draw),
            rooms: rooms_cell(half_rooms, draw),
            year: year_cell(year, draw),
            price: price_cell(price, draw),
            energy: energy_cell(CLASSES[class], draw),
            text: text::text(kind, draw).join(" "),
        };
        Self {
            id: String::new(),
            town,
            kind,
            area,
            half_rooms,
            price,
            cells,
            fault: None,
            decoy: None,
        }
    }

    /// The postcode that the catalogue has to show.
    pub(super) fn right_postcode(&self) -> &str {
        let said = self.cells.postcode.as_str();
        if self.town.postcodes.contains(&said) {
            said
        } else {
            self.town.postcodes[0]
        }
    }

    /// Asks so many percent of what the town's guide price gives.
    pub(super) fn ask(&mut self, percent: u32, draw: &mut Draw) {
        let thousands = u64::from(self.town.guide * self.area) * u64::from(percent) / 100_000;
        self.price = u32::try_from(thousands.max(1)).unwrap_or(u32::MAX / 1000) * 1000;
        self.cells.price = price_cell(self.price, draw);
    }

    /// Has another size and as many rooms as that gives, at the same price
    /// per square metre.
    pub(super) fn resize(&mut self, area: u32, half_rooms: u32, draw: &mut Draw) {
        let per_metre = self.price / self.area;
        self.area = area;
        self.half_rooms = half_rooms;
        self.cells.title = text::title(self.kind, half_rooms, draw);
        self.price = per_metre * area / 1000 * 1000;
        self.cells.area = area_cell(area, draw);
        self.cells.rooms = rooms_cell(half_rooms, draw);
        self.cells.price = price_cell(self.price, draw);
    }
}

/// Newer houses need less; some were done up, some neglected.
fn class_of(year: u32, draw: &mut Draw) -> usize {
    let by_age = (THIS_YEAR - year) / 15 + draw.between(0, 2);
    (by_age.saturating_sub(1) as usize).min(CLASSES.len() - 1)
}

/// The formula that the pricing agent knows, give or take what a seller hopes
/// for. All in thousandths, so that it is the same everywhere.
fn price_of(town: &Town, kind: Kind, area: u32, year: u32, class: usize, percent: u32) -> u32 {
    let age = 850 + 300 * u64::from(year.saturating_sub(1950)) / 76;
    let energy = 1090 - 30 * class as u64;
    let kind = match kind {
        Kind::Flat => 1000,
        Kind::House => 920,
    };
    let euros = u64::from(town.guide) * u64::from(area) * age / 1000 * energy / 1000 * kind / 1000;
    let thousands = euros * u64::from(percent) / 100_000;
    u32::try_from(thousands).unwrap_or(u32::MAX / 1000) * 1000
}

pub(super) fn price_cell(price: u32, draw: &mut Draw) -> String {
    let thousands = price / 1000;
    let (millions, rest) = (thousands / 1000, thousands % 1000);
    let grouped = |mark: &str| {
        if millions == 0 {
            format!("{rest}{mark}000")
        } else {
            format!("{millions}{mark}{rest:03}{mark}000")
        }
    };
    match draw.between(0, 6) {
        0 => format!("€ {}", grouped(".")),
        1 => format!("{price} EUR"),
        2 => format!("{thousands}k"),
        3 => format!("{} €", grouped(",")),
        4 => format!("{},00 EUR", grouped(".")),
        5 => format!("EUR {}", grouped(" ")),
        _ => format!("{millions}.{rest:03} Mio. €"),
    }
}

pub(super) fn area_cell(area: u32, draw: &mut Draw) -> String {
    match draw.between(0, 4) {
        0 => format!("{area}"),
        1 => format!("{area} m2"),
        2 => format!("{area},0 m²"),
        3 => format!("{area} qm"),
        _ => format!("{area} m²"),
    }
}

fn rooms_cell(half_rooms: u32, draw: &mut Draw) -> String {
    let (whole, half) = (half_rooms / 2, half_rooms % 2 == 1);
    let mark = if draw.between(0, 1) == 0 { "." } else { "," };
    if half {
        format!("{whole}{mark}5")
    } else {
        format!("{whole}")
    }
}

fn year_cell(year: u32, draw: &mut Draw) -> String {
    match draw.between(0, 4) {
        0 => format!("built {year}"),
        1 if year < 1950 => format!("ca. {year}"),
        _ => format!("{year}"),
    }
}

fn energy_cell(class: &str, draw: &mut Draw) -> String {
    match draw.between(0, 5) {
        0 => class.to_lowercase(),
        1 => format!("class {class}"),
        _ => class.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_written_in_every_way() {
        let mut draw = Draw::new(1);
        let mut written: Vec<_> = (0..200).map(|_| price_cell(1_249_000, &mut draw)).collect();
        written.sort();
        written.dedup();
        assert_eq!(
            written,
            [
                "1,249,000 €",
                "1.249 Mio. €",
                "1.249.000,00 EUR",
                "1249000 EUR",
                "1249k",
                "EUR 1 249 000",
                "€ 1.249.000",
            ]
        );
    }
}
