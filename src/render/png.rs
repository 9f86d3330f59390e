//! Renders the chart of a result as a PNG picture: the SVG picture, rasterized.
//!
//! The fonts of the program draw Latin, Greek and Cyrillic characters, so that a picture looks the
//! same on every machine. Fonts of the machine draw the others.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::{Database, Source};
use resvg::usvg::{Font, FontResolver, Options, Tree};

use super::input::{RenderInput, Renderer};
use super::svg::Svg;
use crate::{Error, Result};

/// Noto Sans, reduced to the characters of [`is_in_own_fonts`].
const FONTS: [&[u8]; 2] =
    [include_bytes!("fonts/NotoSans-Regular.ttf"), include_bytes!("fonts/NotoSans-Bold.ttf")];
/// The weight from which text is bold, as in CSS.
const MIN_BOLD_WEIGHT: u16 = 600;

/// The PNG format.
pub struct Png {
    /// True for light shapes on a dark page.
    pub is_dark: bool,
}

impl Renderer for Png {
    fn render(&self, input: &RenderInput<'_>) -> Result<Vec<u8>> {
        let svg = Svg { is_dark: self.is_dark }.render(input)?;
        rasterize(&svg)
    }
}

fn rasterize(svg: &[u8]) -> Result<Vec<u8>> {
    let text = String::from_utf8_lossy(svg);
    let tree = Tree::from_str(&text, &options(&text)).map_err(Error::internal)?;
    let size = tree.size().to_int_size();
    let (width, height) = (size.width(), size.height());
    let mut picture = Pixmap::new(width, height)
        .ok_or_else(|| Error::internal(format!("no picture has {width} × {height} pixels")))?;
    resvg::render(&tree, Transform::identity(), &mut picture.as_mut());
    picture.encode_png().map_err(Error::internal)
}

/// Returns the fonts for a picture. The fonts of the machine are read only for characters that the
/// own fonts do not have, since listing them takes up to a second.
fn options(svg: &str) -> Options<'static> {
    let mut fonts = Database::new();
    let own: Vec<_> = FONTS
        .iter()
        .flat_map(|font| fonts.load_font_source(Source::Binary(Arc::new(font))))
        .collect();
    if !svg.chars().all(is_in_own_fonts) {
        fonts.load_system_fonts();
    }
    let select_font = move |font: &Font, _: &mut Arc<Database>| {
        let is_bold = font.weight() >= MIN_BOLD_WEIGHT;
        if is_bold { own.last().copied() } else { own.first().copied() }
    };
    Options {
        fontdb: Arc::new(fonts),
        font_resolver: FontResolver {
            select_font: Box::new(select_font),
            select_fallback: FontResolver::default_fallback_selector(),
        },
        ..Options::default()
    }
}

/// Returns true for characters that the fonts in `fonts` have, and for those that are not drawn.
fn is_in_own_fonts(c: char) -> bool {
    matches!(c,
        '\0'..='\u{17f}'
        | '\u{218}'..='\u{21b}'
        | '\u{370}'..='\u{3e1}'
        | '\u{3f0}'..='\u{45f}'
        | '\u{490}' | '\u{491}'
        | '\u{2010}'..='\u{2026}'
        | '\u{2030}' | '\u{2032}' | '\u{2033}' | '\u{2039}' | '\u{203a}'
        | '\u{20ac}' | '\u{2116}' | '\u{2122}' | '\u{fffd}'
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::{sample_context, sample_grid};
    use super::super::{OutputFormat, render};
    use super::*;
    use crate::grid::Chart;

    fn decoded(format: OutputFormat) -> Pixmap {
        let (grid, context) = (sample_grid(), sample_context());
        let chart = Chart::Bars { value: "rank".into() };
        let input = RenderInput {
            grid: &grid,
            chart: Some(&chart),
            context: Some(&context),
            remarks: &[],
            time_zone: chrono_tz::UTC,
            width: 80,
        };
        Pixmap::decode_png(&render(&input, format).unwrap()).unwrap()
    }

    fn corner(picture: &Pixmap) -> [u8; 3] {
        let pixel = picture.pixel(0, 0).unwrap();
        [pixel.red(), pixel.green(), pixel.blue()]
    }

    /// The part of a text's pixels that are not the color of the page.
    fn ink(text: &str, weight: u32) -> Vec<u8> {
        let svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"400\" height=\"60\"><text x=\"10\" \
             y=\"40\" font-size=\"30\" font-weight=\"{weight}\" font-family=\"None\">{text}</text>\
             </svg>"
        );
        let picture = Pixmap::decode_png(&rasterize(svg.as_bytes()).unwrap()).unwrap();
        picture.pixels().iter().map(|pixel| pixel.alpha()).collect()
    }

    #[test]
    fn pictures_have_the_size_of_the_svg_and_the_color_of_the_theme() {
        let [light, dark] = [OutputFormat::Png, OutputFormat::DarkPng].map(decoded);
        for picture in [&light, &dark] {
            assert_eq!((picture.width(), picture.height()), (1600, 900));
        }
        assert_eq!((corner(&light), corner(&dark)), ([255; 3], [0x1b, 0x1e, 0x22]));
    }

    #[test]
    fn every_character_of_the_own_fonts_is_drawn_in_both_weights() {
        let space = ink(" ", 400);
        let missing = ink("\u{fffd}", 400);
        for c in (0x21..=u32::from('\u{fffd}')).filter_map(char::from_u32) {
            // Blanks and markup, and the gaps of the Greek block.
            let is_skipped = matches!(c, '<' | '&' | '\u{7f}'..='\u{a0}' | '\u{ad}' | '\u{fffd}')
                || matches!(c, '\u{378}' | '\u{379}' | '\u{380}'..='\u{383}')
                || matches!(c, '\u{38b}' | '\u{38d}' | '\u{3a2}');
            if is_in_own_fonts(c) && !is_skipped {
                let drawn = ink(&c.to_string(), 400);
                assert!(drawn != space && drawn != missing, "U+{:04X} {c}", u32::from(c));
            }
        }
        assert_ne!(ink("Usage", 400), ink("Usage", 700));
    }
}
