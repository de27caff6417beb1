//! Time zone abbreviations: PostgreSQL's set `Default`.
//!
//! Most mean one offset. Some have meant several over time: those name a zone of the database, and mean what
//! they mean there at the moment in question.

use super::zone::TimeZone;

/// What an abbreviation stands for; offsets in seconds east of Greenwich.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abbreviation {
    Standard(i32),
    Daylight(i32),
    /// As used in this zone.
    In(&'static str),
}

use Abbreviation::{Daylight, In, Standard};

/// Finds an abbreviation, given in lower case.
pub fn find(name: &str) -> Option<Abbreviation> {
    // Tokens are told apart by their first ten characters, and none of these is that long.
    let i = ABBREVIATIONS.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
    Some(ABBREVIATIONS[i].1)
}

/// Every abbreviation, in lower case: `pg_timezone_abbrevs`.
pub fn all() -> impl Iterator<Item = (&'static str, Abbreviation)> {
    ABBREVIATIONS.iter().copied()
}

/// The offset of an abbreviation used in a zone, at a local time given in seconds since 2000-01-01
/// (`DetermineTimeZoneAbbrevOffset`): a zone that does not know it gives its own offset. Also whether it is daylight saving.
pub fn offset_of_local(name: &str, zone: &TimeZone, seconds: i64) -> (i32, bool) {
    let offset = zone.offset_of_local(seconds);
    at_moment(name, zone, seconds - i64::from(offset)).unwrap_or((offset, false))
}

/// The same at a moment in UTC, if the zone knows the abbreviation.
pub fn at_moment(name: &str, zone: &TimeZone, seconds: i64) -> Option<(i32, bool)> {
    zone.interpret_abbreviation(name, seconds)
}

#[rustfmt::skip]
static ABBREVIATIONS: &[(&str, Abbreviation)] = &[
    ("acdt", Daylight(37800)),
    ("acsst", Daylight(37800)),
    ("acst", Standard(34200)),
    ("act", Standard(-18000)),
    ("acwst", Standard(31500)),
    ("adt", Daylight(-10800)),
    ("aedt", Daylight(39600)),
    ("aesst", Daylight(39600)),
    ("aest", Standard(36000)),
    ("aft", Standard(16200)),
    ("akdt", Daylight(-28800)),
    ("akst", Standard(-32400)),
    ("almst", Daylight(25200)),
    ("almt", Standard(21600)),
    ("amst", In("Asia/Yerevan")),
    ("amt", Standard(-14400)),
    ("anast", In("Asia/Anadyr")),
    ("anat", In("Asia/Anadyr")),
    ("arst", In("America/Argentina/Buenos_Aires")),
    ("art", In("America/Argentina/Buenos_Aires")),
    ("ast", Standard(-14400)),
    ("awsst", Daylight(32400)),
    ("awst", Standard(28800)),
    ("azost", Daylight(0)),
    ("azot", Standard(-3600)),
    ("azst", In("Asia/Baku")),
    ("azt", In("Asia/Baku")),
    ("bdst", Daylight(7200)),
    ("bdt", Standard(21600)),
    ("bnt", Standard(28800)),
    ("bort", Standard(28800)),
    ("bot", Standard(-14400)),
    ("bra", Standard(-10800)),
    ("brst", Daylight(-7200)),
    ("brt", Standard(-10800)),
    ("bst", Daylight(3600)),
    ("btt", Standard(21600)),
    ("cadt", Daylight(37800)),
    ("cast", Standard(34200)),
    ("cct", Standard(28800)),
    ("cdt", Daylight(-18000)),
    ("cest", Daylight(7200)),
    ("cet", Standard(3600)),
    ("cetdst", Daylight(7200)),
    ("chadt", Daylight(49500)),
    ("chast", Standard(45900)),
    ("chut", Standard(36000)),
    ("ckt", In("Pacific/Rarotonga")),
    ("clst", Daylight(-10800)),
    ("clt", In("America/Santiago")),
    ("cot", Standard(-18000)),
    ("cst", Standard(-21600)),
    ("cxt", Standard(25200)),
    ("davt", In("Antarctica/Davis")),
    ("ddut", Standard(36000)),
    ("easst", In("Pacific/Easter")),
    ("east", In("Pacific/Easter")),
    ("eat", Standard(10800)),
    ("edt", Daylight(-14400)),
    ("eest", Daylight(10800)),
    ("eet", Standard(7200)),
    ("eetdst", Daylight(10800)),
    ("egst", Daylight(0)),
    ("egt", Standard(-3600)),
    ("est", Standard(-18000)),
    ("fet", Standard(10800)),
    ("fjst", Daylight(46800)),
    ("fjt", Standard(43200)),
    ("fkst", In("Atlantic/Stanley")),
    ("fkt", In("Atlantic/Stanley")),
    ("fnst", Daylight(-3600)),
    ("fnt", Standard(-7200)),
    ("galt", Standard(-21600)),
    ("gamt", Standard(-32400)),
    ("gest", In("Asia/Tbilisi")),
    ("get", In("Asia/Tbilisi")),
    ("gft", Standard(-10800)),
    ("gilt", Standard(43200)),
    ("gmt", Standard(0)),
    ("gyt", In("America/Guyana")),
    ("hkt", Standard(28800)),
    ("hst", Standard(-36000)),
    ("ict", Standard(25200)),
    ("idt", Daylight(10800)),
    ("iot", In("Indian/Chagos")),
    ("irkst", In("Asia/Irkutsk")),
    ("irkt", In("Asia/Irkutsk")),
    ("irt", Standard(12600)),
    ("ist", Standard(7200)),
    ("jayt", Standard(32400)),
    ("jst", Standard(32400)),
    ("kdt", Daylight(36000)),
    ("kgst", Daylight(21600)),
    ("kgt", In("Asia/Bishkek")),
    ("kost", In("Pacific/Kosrae")),
    ("krast", In("Asia/Krasnoyarsk")),
    ("krat", In("Asia/Krasnoyarsk")),
    ("kst", Standard(32400)),
    ("lhdt", In("Australia/Lord_Howe")),
    ("lhst", Standard(37800)),
    ("ligt", Standard(36000)),
    ("lint", In("Pacific/Kiritimati")),
    ("lkt", In("Asia/Colombo")),
    ("magst", In("Asia/Magadan")),
    ("magt", In("Asia/Magadan")),
    ("mart", Standard(-34200)),
    ("mawt", In("Antarctica/Mawson")),
    ("mdt", Daylight(-21600)),
    ("mest", Daylight(7200)),
    ("mesz", Daylight(7200)),
    ("met", Standard(3600)),
    ("metdst", Daylight(7200)),
    ("mez", Standard(3600)),
    ("mht", Standard(43200)),
    ("mmt", Standard(23400)),
    ("mpt", Standard(36000)),
    ("msd", Daylight(14400)),
    ("msk", In("Europe/Moscow")),
    ("mst", Standard(-25200)),
    ("must", Daylight(18000)),
    ("mut", Standard(14400)),
    ("mvt", Standard(18000)),
    ("myt", Standard(28800)),
    ("ndt", Daylight(-9000)),
    ("nft", Standard(-12600)),
    ("novst", In("Asia/Novosibirsk")),
    ("novt", In("Asia/Novosibirsk")),
    ("npt", Standard(20700)),
    ("nst", Standard(-12600)),
    ("nut", In("Pacific/Niue")),
    ("nzdt", Daylight(46800)),
    ("nzst", Standard(43200)),
    ("nzt", Standard(43200)),
    ("omsst", In("Asia/Omsk")),
    ("omst", In("Asia/Omsk")),
    ("pdt", Daylight(-25200)),
    ("pet", Standard(-18000)),
    ("petst", In("Asia/Kamchatka")),
    ("pett", In("Asia/Kamchatka")),
    ("pgt", Standard(36000)),
    ("pht", Standard(28800)),
    ("pkst", Daylight(21600)),
    ("pkt", Standard(18000)),
    ("pmdt", Daylight(-7200)),
    ("pmst", Standard(-10800)),
    ("pont", Standard(39600)),
    ("pst", Standard(-28800)),
    ("pwt", Standard(32400)),
    ("pyst", Daylight(-10800)),
    ("pyt", In("America/Asuncion")),
    ("ret", Standard(14400)),
    ("sadt", Daylight(37800)),
    ("sast", Standard(7200)),
    ("sct", Standard(14400)),
    ("sgt", In("Asia/Singapore")),
    ("taht", Standard(-36000)),
    ("tft", Standard(18000)),
    ("tjt", Standard(18000)),
    ("tkt", In("Pacific/Fakaofo")),
    ("tmt", In("Asia/Ashgabat")),
    ("tot", Standard(46800)),
    ("trut", Standard(36000)),
    ("tvt", Standard(43200)),
    ("uct", Standard(0)),
    ("ulast", Daylight(32400)),
    ("ulat", In("Asia/Ulaanbaatar")),
    ("ut", Standard(0)),
    ("utc", Standard(0)),
    ("uyst", Daylight(-7200)),
    ("uyt", Standard(-10800)),
    ("uzst", Daylight(21600)),
    ("uzt", Standard(18000)),
    ("vet", In("America/Caracas")),
    ("vlast", In("Asia/Vladivostok")),
    ("vlat", In("Asia/Vladivostok")),
    ("volt", In("Europe/Volgograd")),
    ("vut", Standard(39600)),
    ("wadt", Daylight(28800)),
    ("wakt", Standard(43200)),
    ("wast", Standard(25200)),
    ("wat", Standard(3600)),
    ("wdt", Daylight(32400)),
    ("wet", Standard(0)),
    ("wetdst", Daylight(3600)),
    ("wft", Standard(43200)),
    ("wgst", Daylight(-7200)),
    ("wgt", Standard(-10800)),
    ("xjt", Standard(21600)),
    ("yakst", In("Asia/Yakutsk")),
    ("yakt", In("Asia/Yakutsk")),
    ("yapt", Standard(36000)),
    ("yekst", Daylight(21600)),
    ("yekt", In("Asia/Yekaterinburg")),
    ("z", Standard(0)),
    ("zulu", Standard(0)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_its_zones_exist() {
        assert!(ABBREVIATIONS.is_sorted_by(|a, b| a.0 < b.0));
        for (name, meaning) in all() {
            assert!(name.len() <= 10);
            if let In(zone) = meaning {
                TimeZone::named(zone).unwrap();
            }
        }
        assert_eq!(find("pst"), Some(Standard(-28_800)));
        assert_eq!(find("cest"), Some(Daylight(7200)));
        assert_eq!(find("xyz"), None);
    }
}
