//! The folder of the data in the model: an absolute path, because Power BI knows no other.

use std::path::{MAIN_SEPARATOR, Path};
use std::str::FromStr;

use super::folder::DATA_FOLDER;
use crate::{Error, Result};

/// Folder of the data as Power BI sees it, with a separator at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFolder(String);

impl DataFolder {
    /// Returns the folder of the data of a project on this machine.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if the path is not Unicode or contains control characters.
    pub fn of_project(folder: &Path) -> Result<DataFolder> {
        let path = std::path::absolute(folder).map_err(Error::io("find", folder))?;
        let path = path.join(DATA_FOLDER);
        let text = path.to_str().ok_or_else(|| {
            Error::Usage(format!(
                "{} is not Unicode; name the folder of the data with --data-folder",
                path.display()
            ))
        })?;
        check(text)?;
        Ok(DataFolder(format!("{text}{MAIN_SEPARATOR}")))
    }

    /// Returns the path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the path as a text of the language M.
    pub fn to_m_text(&self) -> String {
        format!("\"{}\"", self.0.replace('"', "\"\"").replace("#(", "#(#)("))
    }
}

impl FromStr for DataFolder {
    type Err = Error;

    fn from_str(text: &str) -> Result<DataFolder> {
        check(text)?;
        let text = text.trim();
        let is_windows = text.contains('\\') || text.get(1..2) == Some(":");
        let is_absolute = is_windows || text.starts_with('/');
        if !is_absolute {
            return Err(Error::Usage(format!(
                "{text:?} is not an absolute path; Power BI needs one, for example D:\\usage\\data"
            )));
        }
        let separator = if is_windows { '\\' } else { '/' };
        let text = text.trim_end_matches(['\\', '/']);
        Ok(DataFolder(format!("{text}{separator}")))
    }
}

/// Refuses a path that would end the line of the parameter in the model.
fn check(text: &str) -> Result<()> {
    match text.contains(char::is_control) {
        true => Err(Error::Usage(format!("the folder {text:?} contains a control character"))),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_end_with_their_separator() {
        for (text, expected) in [
            ("D:\\usage\\data", "D:\\usage\\data\\"),
            ("D:\\usage\\data\\\\", "D:\\usage\\data\\"),
            ("D:/usage/data/", "D:/usage/data\\"),
            ("\\\\server\\share", "\\\\server\\share\\"),
            ("/srv/usage", "/srv/usage/"),
            ("/", "/"),
        ] {
            assert_eq!(text.parse::<DataFolder>().unwrap().as_str(), expected);
        }
        for text in ["", "data", "./data", "C", "/a\nb", "/a\u{0}"] {
            assert!(text.parse::<DataFolder>().is_err(), "{text:?}");
        }
        let own = DataFolder::of_project(Path::new("project")).unwrap();
        let expected = format!("project{MAIN_SEPARATOR}data{MAIN_SEPARATOR}");
        assert!(own.as_str().ends_with(&expected) && Path::new(own.as_str()).is_absolute());
    }

    #[test]
    fn quotes_and_escapes_are_written_for_m() {
        let folder: DataFolder = "/a \"b\" #(lf)/c".parse().unwrap();
        assert_eq!(folder.to_m_text(), "\"/a \"\"b\"\" #(#)(lf)/c/\"");
    }
}
