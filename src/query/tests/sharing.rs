//! Tests that frames in memory give the same results as the files.

use super::*;

const ROBOT: Event = Event { user: Some("robot"), user_type: Some(6), ..VIEW };

/// Statements of people, of all actors, and with CTEs that no period changes.
fn statements() -> Vec<ReportDefinition> {
    let of_people = [
        "SELECT Id, report_name, actor_kind FROM events ORDER BY Id NULLS LAST",
        "SELECT Id, in_period FROM history ORDER BY Id NULLS LAST",
        "SELECT Id, ClientIP FROM events_all ORDER BY Id NULLS LAST",
        "SELECT Id, Workload FROM events_all ORDER BY Id NULLS LAST",
        "SELECT report_id, report_name FROM reports",
        "SELECT dashboard_name, app_name FROM events",
        "WITH first_days AS (SELECT user_id AS who, MIN(local_date) AS first_day FROM history \
            GROUP BY user_id), \
            stored AS (SELECT utc_date, COUNT(*) AS n FROM events_all GROUP BY utc_date) \
            SELECT Id, first_day, n FROM events AS e \
            LEFT JOIN first_days AS f ON e.user_id = f.who \
            LEFT JOIN stored AS s ON e.local_date = s.utc_date ORDER BY Id NULLS LAST",
    ];
    let of_all = [
        "SELECT Id, is_service, in_period FROM history ORDER BY Id NULLS LAST",
        "WITH first_days AS (SELECT user_id AS who, MIN(local_date) AS first_day FROM history \
            GROUP BY user_id) SELECT who, first_day FROM first_days ORDER BY who NULLS LAST",
    ];
    let of_all = of_all.map(|sql| (Actors::All, sql));
    let of_services = [(Actors::Services, "SELECT Id FROM events ORDER BY Id NULLS LAST")];
    let all = of_people.map(|sql| (Actors::People, sql)).into_iter().chain(of_all);
    let all = all.chain(of_services);
    all.map(|(actors, sql)| ReportDefinition { actors, ..ReportDefinition::ad_hoc(sql) }).collect()
}

#[test]
fn loaded_columns_and_shared_events_give_the_same_results_as_the_files() {
    let archive = archive(&[
        Event { id: "0", time: "2026-03-11T12:00:00Z", ..ROBOT },
        Event { id: "1", report_name: Some("R"), workspace: Some("w"), ..VIEW },
        Event { id: "2", time: "2026-03-12T12:00:00Z", activity: "GetDatasources", ..VIEW },
        Event { id: "3", time: "2026-03-13T12:00:00Z", user: Some("b@contoso.com"), ..VIEW },
        Event { id: "4", time: "2026-03-13T13:00:00Z", ..ROBOT },
    ]);
    let run = TestRun { since: Some("2026-03-11"), ..PLAIN };
    let statements = statements();
    let [mut loaded, mut shared] = [(); 2].map(|()| run.session(&archive.snapshot));
    loaded.preload(&statements).unwrap();
    shared.share_events(&statements).unwrap();
    let other = TestRun { since: Some("2026-03-13"), ..PLAIN };
    let others =
        [&loaded, &shared].map(|s| s.with_period(other.period(&archive.snapshot)).unwrap());
    let sessions = [(run, &loaded), (run, &shared), (other, &others[0]), (other, &others[1])];
    for (run, session) in sessions {
        for report in &statements {
            let grid = execute(session, report, &BTreeMap::new()).unwrap();
            let expected = TestRun { actors: report.actors, ..run };
            assert_eq!(grid, expected.grid(&archive.snapshot, &report.sql), "{}", report.sql);
            let files = run.session(&archive.snapshot);
            assert_eq!(session.event_counts(report).unwrap(), files.event_counts(report).unwrap());
        }
    }
}
