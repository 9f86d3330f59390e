//! `gaps` names the days to download again, and nothing once they were downloaded.

use chrono::{DateTime, Days, Utc};

use crate::workdir::Workdir;

/// Days of the archive before today.
const DAYS: u64 = 8;

fn day(now: DateTime<Utc>, back: u64) -> String {
    let day = now.date_naive().checked_sub_days(Days::new(back)).expect("the day exists");
    day.to_string()
}

/// Returns an event of a user at ten minutes after an hour.
fn event(day: &str, hour: u32) -> String {
    format!(
        "{{\"Id\":\"{day}-{hour}\",\"CreationTime\":\"{day}T{hour:02}:10:00\",\"RecordType\":20,\
         \"Operation\":\"ViewReport\",\"Activity\":\"ViewReport\",\"Workload\":\"PowerBI\",\
         \"UserId\":\"ann@contoso.com\",\"ReportId\":\"r1\",\"ReportName\":\"Sales\"}}"
    )
}

/// Returns the record of a download of a whole day with a filter, made on the next day.
fn filtered_download(of: &str, made: &str) -> String {
    format!(
        "{{\"Id\":\"download-{of}\",\"CreationTime\":\"{made}T04:15:00\",\"RecordType\":20,\
         \"Operation\":\"ExportActivityEvents\",\"Activity\":\"ExportActivityEvents\",\
         \"Workload\":\"PowerBI\",\"UserId\":\"svc@contoso.com\",\"IsSuccess\":true,\
         \"ExportEventStartDateTimeParameter\":\"{of}T00:00:00Z\",\
         \"ExportEventEndDateTimeParameter\":\"{of}T23:59:59Z\",\
         \"ExportEventActivityTypeParameter\":\"ViewReport\"}}"
    )
}

fn page(events: &[String], continuation: &str) -> String {
    format!(
        "{{\"activityEventEntities\":[{}],\"continuationUri\":{continuation},\
         \"continuationToken\":null,\"lastResultSet\":false}}\n",
        events.join(",")
    )
}

fn name(day: &str, written: &str) -> String {
    format!("log/PBIActivityEvents-{}-{written}.json", day.replace('-', ""))
}

/// Writes an archive of eight days: the first was downloaded with a filter, others lack a page,
/// were written too early, are cut, or do not exist.
fn write_archive(dir: &Workdir, now: DateTime<Utc>) {
    for back in 1..=DAYS {
        let (date, next) = (day(now, back), day(now, back - 1).replace('-', ""));
        let whole = |hours: u32| (0..hours).map(|hour| event(&date, hour)).collect::<Vec<_>>();
        let mut events = whole(24);
        let mut continuation = "null";
        let mut written = format!("{next}0415");
        match back {
            3 => continue,
            5 => {
                events = whole(10);
                written = format!("{}1015", date.replace('-', ""));
            }
            6 => continuation = "\"https://api.example/next\"",
            // What the filter let through.
            8 => events = whole(6),
            7 => events.push(filtered_download(&day(now, 8), &date)),
            _ => {}
        }
        let text = page(&events, continuation);
        let end = if back == 4 { text.len() / 2 } else { text.len() };
        dir.write(&name(&date, &written), &text[..end]);
    }
}

/// Downloads the days in the first words of lines again.
fn pull(dir: &Workdir, now: DateTime<Utc>, lines: &str) {
    let written = now.format("%Y%m%d%H%M%S").to_string();
    for line in lines.lines() {
        let date = line.split(' ').next().expect("a line begins with a day");
        let events: Vec<String> = (0..24).map(|hour| event(date, hour)).collect();
        dir.write(&name(date, &written), page(&events, "null"));
    }
}

#[test]
fn gaps_are_closed_by_downloading_their_days_again() {
    let (dir, now) = (Workdir::new(), Utc::now());
    write_archive(&dir, now);
    dir.pbi(["ingest", "log"]).one_of(&[0, 3]);
    let gaps = dir.pbi(["gaps", "--since", "8d"]).ended(3);
    assert_eq!(gaps.stderr, "");
    let expected = [
        (8, "00-24 partial: 00:00:00 to 24:00:00 (UTC) was only downloaded with a filter"),
        (6, "00-24 truncated: "),
        (5, "10-24 partial: "),
        (4, "00-24 truncated: "),
        (3, "00-24 missing: no event of the day is stored"),
    ];
    let lines: Vec<&str> = gaps.stdout.lines().collect();
    assert_eq!(lines.len(), expected.len(), "{}", gaps.stdout);
    for (line, (back, text)) in lines.iter().zip(expected) {
        assert!(line.starts_with(&format!("{} {text}", day(now, back))), "{line}");
    }

    // Some of the days: the others remain.
    pull(&dir, now, &lines[3..].join("\n"));
    dir.pbi(["ingest", "log"]).one_of(&[0, 3]);
    let rest = dir.pbi(["gaps", "--since", "8d"]).ended(3);
    assert_eq!(rest.stdout.lines().collect::<Vec<_>>(), lines[..3]);

    pull(&dir, now, &rest.stdout);
    dir.pbi(["ingest", "log"]).one_of(&[0, 3]);
    let none = dir.pbi(["gaps", "--since", "8d"]).ended(0);
    assert_eq!((none.stdout.as_str(), none.stderr.as_str()), ("", ""));
    let json = dir.pbi(["gaps", "--since", "8d", "--format", "json"]).ended(0).stdout;
    let list = format!("{{\"since\":\"{}\",\"until\":\"{}\",", day(now, 8), day(now, 1));
    assert_eq!(json, format!("{list}\"gaps\":[]}}\n"));
}

#[test]
fn days_before_and_after_the_log_are_missing() {
    let (dir, now) = (Workdir::new(), Utc::now());
    let only = day(now, 2);
    let events: Vec<String> = (0..24).map(|hour| event(&only, hour)).collect();
    let written = format!("{}0415", day(now, 1).replace('-', ""));
    dir.write(&name(&only, &written), page(&events, "null"));
    dir.pbi(["ingest", "log"]).ended(0);
    let gaps = dir.pbi(["gaps", "--since", "3d", "--format", "json"]).ended(3);
    let json: serde_json::Value = serde_json::from_str(&gaps.stdout).expect("JSON");
    let days: Vec<_> = json["gaps"].as_array().expect("a list").iter().collect();
    let dates: Vec<_> = days.iter().map(|gap| gap["day"].as_str().expect("a day")).collect();
    assert_eq!(dates, [day(now, 3), day(now, 1)]);
    assert!(days.iter().all(|gap| gap["from_hour"] == 0 && gap["to_hour"] == 24), "{json}");
    let refused = dir.pbi(["gaps", "--since", "31.12.2999"]).ended(2);
    assert!(refused.stderr.contains("did you mean 2999-12-31?"), "{}", refused.stderr);
    let future = dir.pbi(["gaps", "--since", "2999-12-31"]).ended(2);
    assert!(future.stderr.contains("in the future"), "{}", future.stderr);
}

/// A download of the same bytes under a later name proves that the day is complete: a copy of known
/// content was not recorded, so the gap stayed.
#[test]
fn unchanged_day_is_closed_by_downloading_it_again() {
    let (dir, now) = (Workdir::new(), Utc::now());
    let date = day(now, 2);
    let events: Vec<String> = (0..20).map(|hour| event(&date, hour)).collect();
    let early = name(&date, &format!("{}2010", date.replace('-', "")));
    dir.write(&early, page(&events, "null"));
    dir.pbi(["ingest", "log"]).ended(0);
    let gaps = ["gaps", "--since", "2d"];
    let line = dir.pbi(gaps).ended(3).stdout.lines().next().expect("a gap").to_owned();
    assert!(line.starts_with(&format!("{date} 20-24 partial: ")), "{line}");

    // A copy for safety has the same name and the same time, and proves nothing.
    let copy = dir.join(early.replace("log/", "log/copy/"));
    std::fs::create_dir_all(copy.parent().expect("a folder")).expect("the folder can be made");
    std::fs::copy(dir.join(&early), &copy).expect("the file can be copied");
    let time = std::fs::metadata(dir.join(&early)).and_then(|file| file.modified()).expect("time");
    let file = std::fs::File::options().write(true).open(&copy).expect("the copy");
    file.set_modified(time).expect("the time can be set");
    dir.pbi(["ingest", "log"]).ended(0);
    assert!(dir.pbi(gaps).ended(3).stdout.starts_with(&line));

    let again = name(&date, &format!("{}0415", day(now, 1).replace('-', "")));
    dir.write(&again, page(&events, "null"));
    let (_, summary) = dir.ingest("pbi-store", &["log"]);
    assert_eq!((summary.sources.known, summary.sources.new, summary.records.read), (3, 0, 0));
    let rest = dir.pbi(gaps).ended(3).stdout;
    assert!(!rest.contains(&date), "{rest}");
    dir.pbi(["verify"]).ended(0);
    let status = dir.pbi(["status", "--format", "json"]).ended(0).stdout;
    let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
    // The file with the events, and the later download with their duplicates.
    assert_eq!((&status["sources"], &status["records"]["stored"]), (&2.into(), &20.into()));
    assert_eq!(status["records"]["duplicates"], 20);
    let (_, summary) = dir.ingest("pbi-store", &["log", "--reread"]);
    assert_eq!(summary.sources.known, 3);
    let again = dir.pbi(["status", "--format", "json"]).ended(0).stdout;
    let again: serde_json::Value = serde_json::from_str(&again).expect("JSON");
    assert_eq!(again["sources"], 2, "each copy is recorded once");
}

/// Days without events have equal answers.
#[test]
fn empty_answer_counts_for_the_day_in_its_name() {
    let (dir, now) = (Workdir::new(), Utc::now());
    let write = |back: u64, hour: &str| {
        let written = day(now, back - 1).replace('-', "");
        dir.write(&name(&day(now, back), &format!("{written}{hour}")), page(&[], "null"))
    };
    write(3, "0415");
    dir.pbi(["ingest", "log"]).ended(0);
    write(2, "0415");
    dir.pbi(["ingest", "log"]).ended(0);
    let gaps = dir.pbi(["gaps", "--since", "3d"]).ended(3).stdout;
    assert!(gaps.starts_with(&day(now, 1)) && gaps.lines().count() == 1, "{gaps}");
}
