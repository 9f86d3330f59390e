//! The command dashboard.

use std::cell::RefCell;
use std::io::IsTerminal;
use std::path::Path;

use super::report::{base_options, marks_of, with_snapshot};
use crate::cli::args::{DashboardArgs, PageFormat, PeopleArg};
use crate::cli::exit::ExitStatus;
use crate::cli::site_folder::SiteFolder;
use crate::cli::text::count;
use crate::cli::{browser, log, out, output_name};
use crate::dashboard::{self, PageOptions, PeopleDisplay, UnusedDays};
use crate::error::{Error, Result};
use crate::report::{self, ReportCatalog, Snapshot};

pub(in crate::cli) fn dashboard(command: &DashboardArgs, quiet: bool) -> Result<ExitStatus> {
    if command.output.is_none() && command.output_dir.is_none() && std::io::stdout().is_terminal() {
        return Err(Error::Usage(
            "a dashboard is an HTML page or a PDF; write it to a file with --output usage.html, or \
             to a pipe"
                .to_owned(),
        ));
    }
    let file = command.output.as_deref();
    let is_named_pdf = file
        .and_then(Path::extension)
        .is_some_and(|extension| extension.eq_ignore_ascii_case("pdf"));
    let browser = match command.format {
        Some(PageFormat::Html) => None,
        None if !is_named_pdf => None,
        _ => Some(browser::find_browser(command.browser.as_deref())?),
    };
    match browser {
        None => output_name::check_extension(file, "a dashboard is HTML", &["html", "htm", "pdf"])?,
        Some(_) => output_name::check_extension(file, "--format is pdf", &["pdf"])?,
    }
    if browser.is_none() && is_named_pdf {
        return Err(Error::Usage(
            "--output is a file for PDF, and --format is html; omit --format, or use the extension \
             .html"
                .to_owned(),
        ));
    }
    let marks = marks_of(command.events.as_deref())?;
    let options = report::Options { marks, ..base_options(&command.query_args) };
    let reports = ReportCatalog::new(None)?;
    let columns = dashboard::required_columns(&reports)?;
    let page = PageOptions {
        title: command.title.clone(),
        people: match command.people {
            PeopleArg::Names => PeopleDisplay::Names,
            PeopleArg::Pseudonyms => PeopleDisplay::Pseudonyms,
            PeopleArg::None => PeopleDisplay::Hidden,
        },
        is_static: command.is_static || browser.is_some(),
        is_for_paper: browser.is_some(),
        unused_days: UnusedDays(command.unused_days),
    };
    if let Some(folder) = &command.output_dir {
        let site = RefCell::new(SiteFolder::prepare(folder)?);
        let _registered = site.borrow().register();
        // If the store changes during the run, all pages are written again.
        let read = |snapshot: &Snapshot| {
            site.borrow_mut().clear();
            let mut take = |name: &str, bytes: &[u8]| site.borrow_mut().add(name, bytes);
            dashboard::run_site(snapshot, &reports, &options, &page, &mut take)
        };
        let ((), status) = with_snapshot(&command.query_args, columns, quiet, read)?;
        let site = site.into_inner();
        let pages = count(site.len() as u64, "page");
        site.publish()?;
        if !quiet {
            log::info(&format!("{pages} in {}", folder.display()));
        }
        return Ok(status);
    }
    let read = |snapshot: &Snapshot| dashboard::run(snapshot, &reports, &options, &page);
    let (page, status) = with_snapshot(&command.query_args, columns, quiet, read)?;
    let page = match browser {
        Some(browser) => browser::print_pdf(&browser, &page)?,
        None => page,
    };
    out::write(&page, file)?;
    Ok(status)
}
