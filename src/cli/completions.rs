//! Generates shell completions and manual pages from the flags.

use std::path::Path;

use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory};
use clap_complete::Shell;

use super::args::Args;
use crate::error::{Error, Result};
use crate::report::ReportCatalog;

/// Returns the completion script of a shell, with the names of reports.
pub(super) fn completion_script(shell: Shell) -> Result<Vec<u8>> {
    let names = report_names()?;
    let mut command = with_report_names(Args::command(), &names);
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, &name, &mut script);
    let script = String::from_utf8(script).map_err(Error::internal)?;
    let script = match shell {
        // For a program with a hyphen in its name, the bash script tests for states that it never
        // reaches (clap issue 6421), so no flags would be completed.
        Shell::Bash => script.replace(&name.replace('-', "__subcmd__"), &name.replace('-', "__")),
        Shell::Fish => script + &fish_report_names(&names),
        Shell::PowerShell => add_powershell_report_names(&script, &names),
        Shell::Elvish => add_elvish_report_names(&script, &names),
        _ => script,
    };
    Ok(script.into_bytes())
}

/// Returns the names and aliases of the built-in reports.
fn report_names() -> Result<Vec<String>> {
    let catalog = ReportCatalog::new(None)?;
    // Names with spaces or quotes would need escaping in each shell.
    let is_plain = |name: &&String| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let reports = catalog.all().iter();
    let names = reports.flat_map(|report| std::iter::once(&report.name).chain(&report.aliases));
    Ok(names.filter(is_plain).cloned().collect())
}

/// Adds the report names as values of `report NAME` and `reports NAME`. Only scripts have them:
/// the program itself accepts reports of other folders too.
fn with_report_names(command: Command, names: &[String]) -> Command {
    ["report", "reports"].into_iter().fold(command, |command, subcommand| {
        // clap needs static names; the process ends after the script.
        let names: Vec<&'static str> = names.iter().map(|name| &*name.clone().leak()).collect();
        command.mut_subcommand(subcommand, |subcommand| {
            subcommand.mut_arg("name", |arg| arg.value_parser(PossibleValuesParser::new(names)))
        })
    })
}

/// Returns lines for fish, whose generator has no values of positional arguments.
fn fish_report_names(names: &[String]) -> String {
    let names = names.join(" ");
    ["report", "reports"]
        .map(|command| {
            format!(
                "complete -c pbi-analyze -n \"__fish_pbi_analyze_using_subcommand {command}\" -f \
                 -a \"{names}\"\n"
            )
        })
        .concat()
}

/// Adds lines for PowerShell, whose generator has no values of positional arguments.
fn add_powershell_report_names(script: &str, names: &[String]) -> String {
    let line = |name: &String| {
        format!(
            "            [CompletionResult]::new('{name}', '{name}', \
             [CompletionResultType]::ParameterValue, '{name}')\n"
        )
    };
    let lines: String = names.iter().map(line).collect();
    ["report", "reports"].iter().fold(script.to_owned(), |script, command| {
        let start = format!("'pbi-analyze;{command}' {{\n");
        script.replace(&start, &format!("{start}{lines}"))
    })
}

/// Adds lines for elvish, whose generator has no values of positional arguments.
fn add_elvish_report_names(script: &str, names: &[String]) -> String {
    let line = |name: &String| format!("            cand {name} '{name}'\n");
    let lines: String = names.iter().map(line).collect();
    ["report", "reports"].iter().fold(script.to_owned(), |script, command| {
        let start = format!("&'pbi-analyze;{command}'= {{\n");
        script.replace(&start, &format!("{start}{lines}"))
    })
}

/// Writes a manual page for each command into a folder.
pub(super) fn write_man_pages(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    clap_mangen::generate_to(Args::command(), folder).map_err(Error::io("write to", folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_contain_the_names_of_reports() {
        for shell in [Shell::Bash, Shell::Elvish, Shell::Fish, Shell::PowerShell, Shell::Zsh] {
            let script = String::from_utf8(completion_script(shell).unwrap()).unwrap();
            assert!(script.contains("sharing-audit"), "{shell}");
        }
    }

    #[test]
    fn elvish_lists_the_reports_of_both_commands() {
        let script = String::from_utf8(completion_script(Shell::Elvish).unwrap()).unwrap();
        for command in ["report", "reports"] {
            let (_, rest) = script.split_once(&format!("&'pbi-analyze;{command}'= {{\n")).unwrap();
            let block = rest.split_once("\n        }").unwrap().0;
            assert!(block.contains("            cand sharing-audit 'sharing-audit'\n"), "{block}");
        }
    }
}
