//! Plants faults and decoys among listings with nothing wrong.

use std::collections::BTreeSet;

use super::draw::Draw;
use super::fault::Fault;
use super::row::{Kind, Row, area_cell, price_cell};
use super::{text, town};

/// Rows before any is told twice.
const ROWS: usize = 391;

/// A change of one row.
type Change = fn(&mut Row, &mut Draw);

/// Rows that look like others: what is different, and why both are right.
const TWINS: [(&str, Change); 4] = [
    ("another flat of the house, 6 % dearer", |row, draw| {
        row.price = row.price * 106 / 100_000 * 1000 + 1000;
        row.cells.price = price_cell(row.price, draw);
    }),
    ("another flat of the house, a room more", |row, _| {
        row.half_rooms += 2;
        row.cells.rooms = (row.half_rooms / 2).to_string();
    }),
    ("another flat of the house, 3 m² larger", |row, draw| {
        row.area += 3;
        row.cells.area = area_cell(row.area, draw);
    }),
    ("the same flat of the house next door", |row, _| {
        row.cells.street.push('a');
    }),
];

/// All rows, in their order.
pub(super) fn rows(seed: u64) -> Vec<Row> {
    let mut draw = Draw::new(seed);
    let mut rows = plain(&mut draw);
    let mut untouched: Vec<usize> = (0..rows.len()).collect();
    for (fault, change) in faults() {
        let row = &mut rows[take(&mut untouched, &mut draw)];
        change(row, &mut draw);
        row.fault = Some(fault);
    }
    for (decoy, change) in decoys() {
        let row = &mut rows[take(&mut untouched, &mut draw)];
        change(row, &mut draw);
        row.decoy = Some(decoy);
    }
    tell_twice(&mut rows, untouched, &mut draw);
    for (row, number) in rows.iter_mut().zip(1001..) {
        row.id = format!("RE-{number}");
    }
    rows
}

/// Rows with nothing wrong, each in a house of its own.
fn plain(draw: &mut Draw) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut houses = BTreeSet::new();
    while rows.len() < ROWS {
        let number = draw.between(1, 98);
        let row = Row::draw(draw, number);
        if houses.insert((row.town.name, row.cells.street.clone())) {
            rows.push(row);
        }
    }
    rows
}

/// One of those that are left.
fn take(left: &mut Vec<usize>, draw: &mut Draw) -> usize {
    let at = draw.between(0, left.len() as u32 - 1);
    left.swap_remove(at as usize)
}

/// Puts duplicates and twins of flats somewhere after the flats themselves.
fn tell_twice(rows: &mut Vec<Row>, mut untouched: Vec<usize>, draw: &mut Draw) {
    untouched.retain(|index| rows[*index].kind == Kind::Flat && rows[*index].half_rooms >= 4);
    let mut later = Vec::new();
    for number in 0..5 {
        let index = take(&mut untouched, draw);
        later.push((index, in_other_words(&rows[index], number, draw)));
    }
    for (decoy, change) in TWINS {
        let index = take(&mut untouched, draw);
        let mut twin = rows[index].clone();
        twin.cells.title = text::title(twin.kind, twin.half_rooms, draw);
        change(&mut twin, draw);
        twin.decoy = Some(decoy);
        later.push((index, twin));
    }
    // From the last to the first, so that indexes stay what they are.
    later.sort_by_key(|(index, _)| std::cmp::Reverse(*index));
    for (index, row) in later {
        let at = draw.between(index as u32 + 1, rows.len() as u32);
        rows.insert(at as usize, row);
    }
}

/// The same flat, told by somebody else.
fn in_other_words(row: &Row, number: u32, draw: &mut Draw) -> Row {
    let mut other = row.clone();
    let street = &row.cells.street;
    other.cells.street = if street.contains("straße") {
        street.replace("straße", "str.")
    } else {
        street.to_uppercase()
    };
    other.cells.title = text::title(row.kind, row.half_rooms, draw);
    other.cells.text = text::text(row.kind, draw).join(" ");
    // Some ask a little less, or have measured anew.
    match number {
        0 => other.price = row.price * 99 / 100_000 * 1000,
        1 => other.area = row.area + 1,
        _ => {}
    }
    other.cells.price = price_cell(other.price, draw);
    other.cells.area = area_cell(other.area, draw);
    other.fault = Some(Fault::DuplicateListing);
    other
}

/// Puts a sentence somewhere into the text, not at its beginning.
fn say(row: &mut Row, draw: &mut Draw, sentence: &str) {
    let mut sentences: Vec<_> = text::text(row.kind, draw);
    let at = draw.between(1, sentences.len() as u32) as usize;
    sentences.insert(at, sentence);
    row.cells.text = sentences.join(" ");
}

macro_rules! says {
    ($what:expr, $($sentence:literal),+ $(,)?) => {
        [$(($what, (|row, draw| say(row, draw, $sentence)) as Change)),+]
    };
}

macro_rules! cell {
    ($what:expr, $cell:ident, $($value:literal),+ $(,)?) => {
        [$(($what, (|row, _| row.cells.$cell = $value.to_owned()) as Change)),+]
    };
}

fn faults() -> Vec<(Fault, Change)> {
    let mut all: Vec<(Fault, Change)> = Vec::new();
    all.extend(cell!(
        Fault::PriceUnreadable,
        price,
        "on request",
        "VHB",
        "4.200 €/m²",
        ""
    ));
    all.extend([(Fault::AreaInSquareFeet, in_square_feet as Change); 5]);
    all.extend(cell!(
        Fault::ImpossibleYear,
        year,
        "19871",
        "2187",
        "0",
        "850"
    ));
    let rooms: [Change; 4] = [
        |row, draw| row.resize(64, 28, draw),
        |row, draw| row.resize(210, 2, draw),
        |row, draw| row.resize(40, 0, draw),
        |row, draw| row.resize(55, 18, draw),
    ];
    all.extend(rooms.map(|change| (Fault::RoomsDoNotFit, change)));
    all.extend(cell!(
        Fault::EnergyClassMissing,
        energy,
        "",
        "n/a",
        "-",
        "in preparation",
        "Z"
    ));
    all.extend([(Fault::PostcodeDoesNotFit, turn_digits as Change); 2]);
    all.extend([(Fault::PostcodeDoesNotFit, of_another_town as Change); 2]);
    all.extend(says!(
        Fault::DiscriminatoryWording,
        "Only for Germans.",
        "No foreigners, please.",
        "For a Christian family only.",
        "Couples with children need not apply.",
    ));
    all.extend(says!(
        Fault::UnprovableClaim,
        "It is the best address in town.",
        "A guaranteed return of 8 % a year.",
        "Nowhere will you find a cheaper home.",
        "It is a 100 % safe investment.",
        "The most beautiful rooms in the whole region!",
    ));
    all.extend(says!(
        Fault::ContactInText,
        "Call 0171 5550123 after six.",
        "Write to anna.berg@example.com for the floor plan.",
        "Ring +49 30 5550 1234 for a viewing.",
        "Mail to verkauf (at) example.org, please.",
    ));
    all.extend(says!(
        Fault::PlaceholderText,
        "Lorem ipsum dolor sit amet, consectetur.",
        "Text follows.",
        "Heating: TBD.",
    ));
    all.extend(says!(
        Fault::Shouting,
        "SELDOM OFFERED, SO HURRY UP!",
        "PLEASE BRING YOUR BANK ALONG.",
    ));
    all.extend(
        [(
            Fault::Shouting,
            (|row, _| row.cells.title = row.cells.title.to_uppercase()) as Change,
        ); 2],
    );
    let prices: [Change; 5] = [
        |row, draw| row.ask(250, draw),
        |row, draw| row.ask(400, draw),
        |row, draw| row.ask(950, draw),
        |row, draw| row.ask(28, draw),
        |row, draw| row.ask(9, draw),
    ];
    all.extend(prices.map(|change| (Fault::PriceOutlier, change)));
    all
}

fn decoys() -> Vec<(&'static str, Change)> {
    let mut all: Vec<(&'static str, Change)> = vec![
        ("dear, but less than twice", |row, draw| row.ask(160, draw)),
        ("cheap, but more than half", |row, draw| row.ask(50, draw)),
        ("many small rooms", |row, draw| row.resize(72, 16, draw)),
        ("two halls", |row, draw| row.resize(150, 4, draw)),
        ("two capitalised words", |row, _| {
            row.cells.title = "FLAT with GARDEN near the park".to_owned();
        }),
    ];
    all.extend(cell!("very old", year, "1480"));
    all.extend(cell!("to be finished in two years", year, "2028"));
    all.push(("protected, so it needs no certificate", |row, _| {
        row.cells.year = "1887".to_owned();
        row.cells.energy = "exempt".to_owned();
    }));
    all.extend(says!(
        "square feet in the text",
        "That is some 860 sq ft, as they say in London."
    ));
    all.extend(says!(
        "best and guaranteed, and no claim",
        "The best room gets the morning sun.",
        "A parking space is guaranteed.",
    ));
    all.extend(says!(
        "says who lives there, and keeps nobody out",
        "Families, couples and people alone live in the house.",
        "The Christian hospital is nearby.",
        "No dogs in the stairwell, please.",
    ));
    all.extend(says!(
        "digits, and no number to call",
        "The plan has the number 2024-0117.",
        "The park has 12 000 000 blades of grass on 1 200 500 m².",
        "Meet @ the gate at 17.30.",
    ));
    all.extend(says!(
        "large, and no placeholder",
        "The XXL balcony has room for eight."
    ));
    all.extend(says!(
        "short words that are always in capitals",
        "USB, LAN and TV in all rooms, doors to DIN 18101, next to AWO and VHS.",
    ));
    all
}

/// What the area is in square feet; it is the same area.
fn in_square_feet(row: &mut Row, draw: &mut Draw) {
    // A square metre has 10.7639 square feet.
    let feet = (u64::from(row.area) * 107_639 + 5_000) / 10_000;
    row.cells.area = format!("{feet} {}", draw.one(&["sq ft", "sqft", "ft²"]));
}

/// Two digits change places.
fn turn_digits(row: &mut Row, _: &mut Draw) {
    let mut digits: Vec<char> = row.cells.postcode.chars().collect();
    digits.swap(1, 2);
    row.cells.postcode = digits.into_iter().collect();
}

fn of_another_town(row: &mut Row, draw: &mut Draw) {
    loop {
        let other = draw.one(&town::TOWNS);
        if other.name != row.town.name {
            row.cells.postcode = other.postcodes[0].to_owned();
            return;
        }
    }
}
