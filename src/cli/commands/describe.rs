//! Commands that describe reports and columns: reports and schema.

use super::shared::{open_existing, to_json};
use crate::cli::args::{DictionaryFormat, ListFormat, ReportsArgs, SchemaArgs};
use crate::cli::exit::ExitStatus;
use crate::cli::width::output_width;
use crate::cli::{data_dictionary_text, out, report_help};
use crate::data_dictionary;
use crate::error::{Error, Result};
use crate::report;

pub(in crate::cli) fn reports(command: &ReportsArgs) -> Result<ExitStatus> {
    let catalog = report::ReportCatalog::new(command.queries.folder())?;
    let word = command.name.as_deref();
    let exact = word.and_then(|word| catalog.exact(word));
    let found = match (word, exact) {
        (None, _) => catalog.all().iter().collect(),
        (Some(_), Some(report)) => vec![report],
        (Some(word), None) => catalog.search(word),
    };
    if let Some(word) = word.filter(|_| found.is_empty()) {
        // The error of an unknown name has a suggestion.
        catalog.find(word)?;
        return Err(Error::Usage(format!("no report contains {word:?}")));
    }
    let text = match (command.format, exact) {
        (ListFormat::Text, Some(report)) => {
            out::strip_control(&report_help::report_text(report)).into_bytes()
        }
        (ListFormat::Text, None) if word.is_some() => {
            out::strip_control(&report_help::search_result(&found, output_width())).into_bytes()
        }
        (ListFormat::Text, None) => {
            out::strip_control(&report_help::list(catalog.all(), output_width())).into_bytes()
        }
        (ListFormat::Json, _) => catalog.list_json(found)?,
        (ListFormat::Markdown, _) => report_help::markdown(&found).into_bytes(),
    };
    out::write(&text, None)?;
    Ok(ExitStatus::Success)
}

pub(in crate::cli) fn schema(command: &SchemaArgs) -> Result<ExitStatus> {
    if command.views {
        return schema_views(command.format);
    }
    let store = command.store_folder().map(|folder| open_existing(&folder)).transpose()?;
    let dictionary = data_dictionary::build(store.as_ref())?;
    let text = match command.format {
        DictionaryFormat::Text => {
            out::strip_control(&data_dictionary_text::dictionary_text(&dictionary))
        }
        DictionaryFormat::Json => to_json(&dictionary)?,
        DictionaryFormat::Markdown => {
            out::strip_control(&data_dictionary_text::markdown(&dictionary))
        }
    };
    out::write(text.as_bytes(), None)?;
    Ok(ExitStatus::Success)
}

fn schema_views(format: DictionaryFormat) -> Result<ExitStatus> {
    let views = report::views();
    let text = match format {
        DictionaryFormat::Text => {
            out::strip_control(&data_dictionary_text::views_text(&views, output_width()))
        }
        DictionaryFormat::Json => to_json(&views)?,
        DictionaryFormat::Markdown => {
            out::strip_control(&data_dictionary_text::views_markdown(&views))
        }
    };
    out::write(text.as_bytes(), None)?;
    Ok(ExitStatus::Success)
}
