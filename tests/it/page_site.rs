//! Checks the site of `dashboard --output-dir`: each page contains one workspace alone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::archive::year;
use crate::html::read;
use crate::packed_details::unpacked;
use crate::workdir::Workdir;

/// Names that are shorter could be part of any text.
const MIN_NAME_CHARS: usize = 6;

/// The name of all personal workspaces, and that of all visitors without an account. Texts on each
/// page mention them.
const COMMON_NAMES: [&str; 2] = [MY_WORKSPACE, "anonymous"];
const MY_WORKSPACE: &str = "My Workspace";

const NAMES: &str = "SELECT DISTINCT workspace_id AS workspace, WorkspaceId AS a, \
    workspace_name AS b, report_id AS c, report_name AS d, ReportName AS e, user_id AS f, \
    item_name AS g, capacity_name AS h FROM events_all";

const RECIPIENTS: &str = "SELECT DISTINCT e.workspace_id AS workspace, r.recipient AS a \
    FROM recipients AS r INNER JOIN events_all AS e ON r.event_id = e.Id";

/// Returns all names and IDs of events, by the ID of the workspace.
fn names_by_workspace() -> BTreeMap<String, BTreeSet<String>> {
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for statement in [NAMES, RECIPIENTS] {
        let run = ["sql", statement, "--store", "store", "--format", "json"];
        let answer: Value = serde_json::from_str(&year().dir.pbi(run).ended(0).stdout).unwrap();
        for row in answer["rows"].as_array().unwrap() {
            let workspace = row["workspace"].as_str().unwrap_or_default().to_owned();
            let values = row.as_object().unwrap().values();
            names.entry(workspace).or_default().extend(
                values.filter_map(Value::as_str).filter(|name| !name.is_empty()).map(str::to_owned),
            );
        }
    }
    names
}

#[test]
fn each_page_contains_one_workspace_alone() {
    let dir = Workdir::new();
    let site = dir.join("site");
    let write = || {
        let flags = ["dashboard", "--store", "store", "--since", "28d", "--output-dir"];
        year().dir.pbi(flags.into_iter().chain([site.to_str().unwrap()])).ended(0).stderr
    };
    let said = write();
    let index = std::fs::read_to_string(site.join("index.html")).unwrap();
    let links: Vec<(String, String)> = read(&index)
        .all("a")
        .into_iter()
        .map(|link| (link.get("href").unwrap().to_owned(), link.text()))
        .filter(|(file, _)| !file.starts_with('#'))
        .collect();
    assert!(links.len() > 2 && said.contains(&format!("{} pages", links.len() + 1)), "{said}");

    assert!(links.iter().all(|(_, name)| name != MY_WORKSPACE), "it belongs to several people");

    let names = names_by_workspace();
    let mut compared = 0;
    for (file, name) in &links {
        let html = std::fs::read_to_string(site.join(file)).unwrap();
        let page = read(&html);
        let mut text = page.text();
        for details in unpacked(&page).values() {
            text.push_str(details);
        }
        // Events without an ID of a workspace are in no group.
        let own = names.iter().find(|(id, names)| !id.is_empty() && names.contains(name));
        let (id, own) = own.expect("the name of a workspace");
        if compared == 0 {
            assert_eq!(html, filtered_page(id, name), "{file} differs from the page with a filter");
        }
        for other in names.values().flatten() {
            let is_own = own.iter().any(|name| name.contains(other.as_str()));
            let is_common = COMMON_NAMES.contains(&other.as_str());
            if is_own || is_common || other.chars().count() < MIN_NAME_CHARS {
                continue;
            }
            assert!(!text.contains(other.as_str()), "{file} contains {other}");
            assert!(!html.contains(other.as_str()), "{file} contains {other} in its bytes");
            compared += 1;
        }
    }
    assert!(compared > 100, "{compared} names");

    let before: BTreeMap<_, _> = files(&site);
    std::fs::write(site.join("notes.txt"), "mine").unwrap();
    write();
    let mut after = files(&site);
    assert_eq!(after.remove("notes.txt").as_deref(), Some(&b"mine"[..]));
    assert_eq!(before, after, "a second run writes the same files");
}

/// Returns the page with a workspace as filter, and the title and remark of a page of the site.
fn filtered_page(id: &str, name: &str) -> String {
    let title = format!("Power BI usage: {name}");
    let flags = ["dashboard", "--store", "store", "--since", "28d", "--workspace", id];
    let html = year().dir.pbi(flags.into_iter().chain(["--title", &title])).ended(0).stdout;
    let filter = format!("Filter: workspace {id}.");
    assert!(html.contains(&filter), "the page names its filter");
    html.replace(&filter, &format!("This page contains the workspace {name} alone."))
}

fn files(folder: &std::path::Path) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    let content = |file: std::fs::DirEntry| {
        let name = file.file_name().into_string().unwrap();
        (name, std::fs::read(file.path()).unwrap())
    };
    files.map(content).collect()
}

#[test]
fn a_folder_with_another_index_is_left_as_it_is() {
    let dir = Workdir::new();
    dir.write("site/index.html", "mine");
    let site = dir.join("site");
    let flags = ["dashboard", "--store", "store", "--since", "7d", "--workspace", "Finance"];
    let flags = flags.into_iter().chain(["--output-dir", site.to_str().unwrap()]);
    let refused = year().dir.pbi(flags).ended(2).stderr;
    assert!(refused.contains("index.html is not a file of an earlier site"), "{refused}");
    assert_eq!(files(&site), BTreeMap::from([("index.html".to_owned(), b"mine".to_vec())]));
}
