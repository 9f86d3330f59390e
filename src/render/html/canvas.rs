//! The canvas that plotters draws on: SVG in which every shape has a class.
//!
//! Owns: how shapes are written down. A colour on this canvas is no colour but the number of an
//! [`Ink`]: it becomes a class, and the style sheet says how it looks on a screen, in the dark and
//! on paper. Must not know what is drawn.

use std::convert::Infallible;
use std::fmt::Write;

use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, ShapeStyle};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};

use super::markup::Markup;

/// Parts of a pixel: plotters counts in whole numbers, and a line is finer than a pixel.
pub const UNIT: u32 = 10;

/// What is drawn in a colour of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Lines behind the values.
    Mesh,
    /// The line that values stand on.
    Axis,
    /// Words and numbers at the edges.
    Label,
    /// Days that are not held.
    Missing,
    /// Days that are held in part.
    Partial,
    /// The first series; others follow.
    First,
    /// The second series.
    Second,
    /// The third series.
    Third,
}

/// All of them, each with its class.
const INKS: [(Ink, &str); 8] = [
    (Ink::Mesh, "mesh"),
    (Ink::Axis, "axis"),
    (Ink::Label, "label"),
    (Ink::Missing, "missing"),
    (Ink::Partial, "partial"),
    (Ink::First, "s1"),
    (Ink::Second, "s2"),
    (Ink::Third, "s3"),
];

impl Ink {
    /// That of a series by its place.
    pub fn series(at: usize) -> Ink {
        [Ink::First, Ink::Second, Ink::Third][at.min(2)]
    }

    /// What stands for it on this canvas.
    pub fn colour(self) -> RGBColor {
        RGBColor(self as u8, 0, 0)
    }

    /// A line of it, so many units wide.
    pub fn stroke_width(self, units: u32) -> ShapeStyle {
        Color::stroke_width(&self.colour(), units)
    }

    /// The class of a series by its place, for what explains it beside the canvas.
    pub fn class_of_series(at: usize) -> &'static str {
        class(Ink::series(at) as u8)
    }
}

fn class(number: u8) -> &'static str {
    let found = INKS.iter().find(|(ink, _)| *ink as u8 == number);
    found.map_or("mesh", |(_, class)| class)
}

/// What has been drawn, in its order.
#[derive(Debug, Default)]
pub struct Marks {
    marks: Vec<Mark>,
}

#[derive(Debug)]
enum Mark {
    /// Lines of one width, or areas where there is none.
    Path {
        class: &'static str,
        width: Option<u32>,
        d: String,
    },
    Text {
        class: &'static str,
        at: BackendCoord,
        anchor: &'static str,
        dy: u32,
        text: String,
    },
}

impl Marks {
    /// Adds to the last path if it is alike: a bar for each day is one element and not a thousand.
    fn path(&mut self, colour: BackendColor, width: Option<u32>) -> Option<&mut String> {
        if colour.alpha == 0.0 {
            return None;
        }
        let class = class(colour.rgb.0);
        let is_alike = matches!(self.marks.last(), Some(Mark::Path { class: of, width: wide, .. })
            if *of == class && *wide == width);
        if !is_alike {
            self.marks.push(Mark::Path { class, width, d: String::new() });
        }
        match self.marks.last_mut() {
            Some(Mark::Path { d, .. }) => Some(d),
            _ => None,
        }
    }

    fn line(&mut self, points: impl IntoIterator<Item = BackendCoord>, style: &impl BackendStyle) {
        let Some(d) = self.path(style.color(), Some(style.stroke_width())) else { return };
        let mut letter = 'M';
        for (x, y) in points {
            // Writing to a text does not fail.
            let _ = write!(d, "{letter}{x} {y}");
            letter = 'L';
        }
    }

    /// Writes all of it.
    pub fn write(&self, to: &mut Markup) {
        for mark in &self.marks {
            match mark {
                Mark::Path { class, width, d } => {
                    to.open("path").attr("class", class).attr("d", d);
                    match width {
                        Some(width) => to.attr("stroke-width", width).attr("fill", "none"),
                        None => to.attr("stroke", "none"),
                    };
                    to.close("path");
                }
                Mark::Text { class, at: (x, y), anchor, dy, text } => {
                    to.open("text").attr("class", class).attr("x", x).attr("y", y);
                    to.attr("dy", dy).attr("text-anchor", anchor).text(text).close("text");
                }
            }
        }
    }
}

/// A canvas of a size, in units.
pub struct Canvas<'m> {
    /// Its width and height.
    pub size: (u32, u32),
    /// What is drawn on it.
    pub marks: &'m mut Marks,
}

type Drawn<T = ()> = Result<T, DrawingErrorKind<Infallible>>;

impl DrawingBackend for Canvas<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn {
        if let Some(d) = self.marks.path(color, None) {
            let _ = write!(d, "M{x} {y}h1v1h-1Z");
        }
        Ok(())
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn {
        self.marks.line([from, to], style);
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        self.marks.line(path, style);
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let width = (!fill).then(|| style.stroke_width());
        if let Some(d) = self.marks.path(style.color(), width) {
            let _ = write!(d, "M{left} {top}H{right}V{bottom}H{left}Z");
        }
        Ok(())
    }

    fn draw_text<T: BackendTextStyle>(&mut self, text: &str, style: &T, at: BackendCoord) -> Drawn {
        if style.color().alpha == 0.0 || text.is_empty() {
            return Ok(());
        }
        let anchor = match style.anchor().h_pos {
            HPos::Left => "start",
            HPos::Center => "middle",
            HPos::Right => "end",
        };
        // How far the line that letters stand on is below the place that is meant. Attributes such
        // as `dominant-baseline` are read otherwise by some programs that print.
        let size = style.size();
        let dy = match style.anchor().v_pos {
            VPos::Top => size * 0.76,
            VPos::Center => size * 0.35,
            VPos::Bottom => 0.0,
        };
        let class = class(style.color().rgb.0);
        let text = text.to_owned();
        self.marks.marks.push(Mark::Text { class, at, anchor, dy: dy as u32, text });
        Ok(())
    }

    /// Letters are about half as wide as they are high; no font is asked, since nobody knows which
    /// one the page is shown in.
    fn estimate_text_size<T: BackendTextStyle>(&self, text: &str, style: &T) -> Drawn<(u32, u32)> {
        let letters = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        let size = style.size() as u32;
        Ok((letters.saturating_mul(size) * 11 / 20, size))
    }
}
