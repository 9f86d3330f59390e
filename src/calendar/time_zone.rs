//! Finds a time zone by its IANA name, by its Windows name, or as that of the machine.

use chrono_tz::{TZ_VARIANTS, Tz};

/// The Windows names of time zones with their IANA names, one pair a line. The pairs are those of
/// the Unicode CLDR (windowsZones, territory 001), as published in the Python package tzlocal 5.
const WINDOWS_ZONES: &str = include_str!("windows_zones.tsv");

/// The word for the time zone of the machine.
const LOCAL: &str = "local";

/// Returns the time zone with a name: `Europe/Berlin`, `W. Europe Standard Time`, or `local`.
///
/// # Errors
///
/// A sentence with a suggestion if no time zone has the name, or if the machine's is unknown.
pub fn parse_time_zone(text: &str) -> Result<Tz, String> {
    if let Ok(zone) = text.parse() {
        return Ok(zone);
    }
    if text.eq_ignore_ascii_case(LOCAL) {
        return local_zone();
    }
    let windows = windows_zones().find(|(name, _)| name.eq_ignore_ascii_case(text.trim()));
    if let Some(zone) = windows.and_then(|(_, zone)| zone.parse().ok()) {
        return Ok(zone);
    }
    let suggestion = similar_zone(text).map_or_else(
        || {
            "use an IANA name such as Europe/Berlin, a Windows name such as W. Europe Standard \
             Time, or local"
                .to_owned()
        },
        |zone| format!("did you mean {zone}?"),
    );
    Err(format!("unknown time zone {text:?}; {suggestion}"))
}

fn local_zone() -> Result<Tz, String> {
    let unknown = |reason: String| {
        format!(
            "the time zone of this machine is unknown ({reason}); name one, for example \
             Europe/Berlin"
        )
    };
    let name = iana_time_zone::get_timezone().map_err(|error| unknown(error.to_string()))?;
    name.parse().map_err(|_| unknown(format!("its name is {name:?}")))
}

fn windows_zones() -> impl Iterator<Item = (&'static str, &'static str)> {
    WINDOWS_ZONES.lines().filter_map(|line| line.split_once('\t'))
}

/// Returns the zone of a city, or the Windows zone whose name is the text without `Standard Time`.
fn similar_zone(text: &str) -> Option<&'static str> {
    let wanted = text.trim().replace(' ', "_");
    let is_city = |zone: &&Tz| {
        let name = zone.name();
        name.eq_ignore_ascii_case(&wanted)
            || name.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(&wanted))
    };
    let city = TZ_VARIANTS.iter().find(is_city).map(|zone| zone.name());
    let short = |name: &'static str| name.strip_suffix(" Standard Time").unwrap_or(name);
    let daylight = text.trim().replace("Daylight Time", "Standard Time");
    city.or_else(|| {
        let mut names = windows_zones().map(|(name, _)| name);
        names.find(|name| {
            short(name).eq_ignore_ascii_case(text.trim()) || name.eq_ignore_ascii_case(&daylight)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_have_iana_and_windows_names() {
        for (text, zone) in [
            ("Europe/Berlin", Tz::Europe__Berlin),
            ("W. Europe Standard Time", Tz::Europe__Berlin),
            ("w. europe standard time ", Tz::Europe__Berlin),
            ("Pacific Standard Time", Tz::America__Los_Angeles),
            ("India Standard Time", Tz::Asia__Calcutta),
            ("UTC", Tz::UTC),
        ] {
            assert_eq!(parse_time_zone(text), Ok(zone), "{text}");
        }
    }

    #[test]
    fn every_windows_name_has_a_known_zone() {
        let zones: Vec<(&str, &str)> = windows_zones().collect();
        assert!(zones.len() > 130, "{}", zones.len());
        for (name, zone) in zones {
            assert!(zone.parse::<Tz>().is_ok(), "{name}: {zone}");
        }
    }

    #[test]
    fn the_zone_of_the_machine_is_one_or_the_reason_is_given() {
        match parse_time_zone("Local") {
            Ok(zone) => assert!(TZ_VARIANTS.contains(&zone)),
            Err(reason) => assert!(reason.contains("time zone of this machine"), "{reason}"),
        }
    }

    #[test]
    fn similar_names_are_suggested() {
        for (text, suggestion) in [
            ("Berlin", "did you mean Europe/Berlin?"),
            ("new york", "did you mean America/New_York?"),
            ("W. Europe", "did you mean W. Europe Standard Time?"),
            ("Pacific Daylight Time", "did you mean Pacific Standard Time?"),
            ("Atlantis", "use an IANA name such as Europe/Berlin"),
        ] {
            let error = parse_time_zone(text).unwrap_err();
            assert!(error.contains(suggestion), "{text}: {error}");
        }
    }
}
