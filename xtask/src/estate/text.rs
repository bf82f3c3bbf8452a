//! Titles and texts with nothing wrong in them.

use super::draw::Draw;
use super::row::Kind;

const ADJECTIVES: [&str; 10] = [
    "Bright",
    "Quiet",
    "Well-kept",
    "Sunny",
    "Renovated",
    "Compact",
    "Spacious",
    "Charming",
    "Practical",
    "Cosy",
];

const PLACES: [&str; 10] = [
    "near the station",
    "by the park",
    "in a side street",
    "close to the market",
    "with a garden",
    "with a balcony",
    "by the river",
    "at the edge of town",
    "near the school",
    "with a view of the hills",
];

const OPENINGS: [&str; 8] = [
    "The rooms face south and west.",
    "It was renovated in 2019 and has been looked after since.",
    "The present owners have lived here for twenty years.",
    "It stands in a quiet street with old trees.",
    "All windows were replaced in 2015.",
    "The floors are oak, the bathroom is tiled.",
    "It is empty and can be moved into at once.",
    "It is let until the end of the year, at 11.20 € a square metre.",
];

const FLAT: [&str; 8] = [
    "The balcony looks onto the yard.",
    "There is a lift, and a cellar of 6 m².",
    "It is on the second floor of five.",
    "The kitchen (EBK) stays.",
    "A parking space in the garage can be had for 19,000 €.",
    "The monthly charge is 312 €, heating included.",
    "Bicycles have a room of their own.",
    "The house has twelve flats and reserves of 84,000 €.",
];

const HOUSE: [&str; 8] = [
    "The plot has 612 m², partly under fruit trees.",
    "A heat pump (KfW 55) was put in four years ago.",
    "The attic can be extended.",
    "There is a double garage with a room above it.",
    "The cellar is dry and has a door of its own.",
    "The roof is from 2008, the heating from 2017.",
    "Locals call it \"the mill house\".",
    "The terrace is paved with slate.",
];

const CLOSINGS: [&str; 8] = [
    "The tram stops around the corner.",
    "Shops, school and surgery are within ten minutes on foot.",
    "The motorway is four kilometres away.",
    "The energy certificate is at hand.",
    "Viewings are on Saturdays.",
    "The land register is free of charges.",
    "There is no commission for the buyer.",
    "Fibre is in the building.",
];

/// The number of rooms as a title says it: halves rounded down.
pub(super) fn title(kind: Kind, half_rooms: u32, draw: &mut Draw) -> String {
    let (adjective, place) = (draw.one(&ADJECTIVES), draw.one(&PLACES));
    let what = match kind {
        Kind::Flat => "flat",
        Kind::House => "house",
    };
    match (kind, half_rooms / 2) {
        (Kind::Flat, rooms @ 2..) => format!("{adjective} {rooms}-room {what} {place}"),
        _ => format!("{adjective} {what} {place}"),
    }
}

/// The sentences of a text.
pub(super) fn text(kind: Kind, draw: &mut Draw) -> Vec<&'static str> {
    let features = match kind {
        Kind::Flat => &FLAT,
        Kind::House => &HOUSE,
    };
    let mut sentences = vec![*draw.one(&OPENINGS)];
    let count = draw.between(1, 3) as usize;
    sentences.extend(draw.some(count, features));
    let count = draw.between(1, 2) as usize;
    sentences.extend(draw.some(count, &CLOSINGS));
    sentences
}
