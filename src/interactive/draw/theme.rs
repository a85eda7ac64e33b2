//! Colours. Only the 16 colours of the terminal are used, so that they fit its colour scheme.

use ratatui::style::{Color, Modifier, Style};

/// The styles of the screen.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
    /// The prompt, and the marker of the selected question.
    pub marker: Style,
    /// Titles.
    pub title: Style,
    /// Text that matches the phrase.
    pub matched: Style,
    /// The location of a question.
    pub location: Style,
    /// Secondary text.
    pub quiet: Style,
    /// Warnings and errors.
    pub warning: Style,
    /// The quality: weak, likely, strong.
    pub quality: [Style; 3],
    /// Headings of an answer.
    pub heading: Style,
    /// Inline code.
    pub code: Style,
    /// Links.
    pub link: Style,
    /// In code: keywords.
    pub keyword: Style,
    /// In code: strings.
    pub string: Style,
    /// In code: comments.
    pub comment: Style,
    /// In code: numbers.
    pub number: Style,
    /// In code: types.
    pub type_name: Style,
}

const fn colour(colour: Color) -> Style {
    Style::new().fg(colour)
}

impl Theme {
    /// A theme with colours.
    pub const fn coloured() -> Self {
        Self {
            marker: colour(Color::Magenta).add_modifier(Modifier::BOLD),
            title: Style::new().add_modifier(Modifier::BOLD),
            matched: colour(Color::Yellow).add_modifier(Modifier::BOLD),
            location: colour(Color::Cyan),
            quiet: Style::new().add_modifier(Modifier::DIM),
            warning: colour(Color::Yellow),
            quality: [Style::new().add_modifier(Modifier::DIM), colour(Color::Yellow), colour(Color::Green)],
            heading: colour(Color::Blue).add_modifier(Modifier::BOLD),
            code: colour(Color::Cyan),
            link: Style::new().add_modifier(Modifier::UNDERLINED),
            keyword: colour(Color::Magenta),
            string: colour(Color::Green),
            comment: Style::new().add_modifier(Modifier::DIM).add_modifier(Modifier::ITALIC),
            number: colour(Color::Blue),
            type_name: colour(Color::Cyan),
        }
    }

    /// A theme without colours, with bold, dim and underlined text only.
    pub const fn plain() -> Self {
        let none = Style::new();
        let bold = none.add_modifier(Modifier::BOLD);
        let quiet = none.add_modifier(Modifier::DIM);
        Self {
            marker: bold,
            title: bold,
            matched: bold.add_modifier(Modifier::UNDERLINED),
            location: none,
            quiet,
            warning: bold,
            quality: [none; 3],
            heading: bold.add_modifier(Modifier::UNDERLINED),
            code: none,
            link: none.add_modifier(Modifier::UNDERLINED),
            keyword: bold,
            string: none,
            comment: quiet,
            number: none,
            type_name: none,
        }
    }
}
