//! Colours: of the terminal's own sixteen, so that they suit whatever it looks like.

use ratatui::style::{Color, Modifier, Style};

/// The styles of everything that is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
    /// What the phrase is typed behind, and what marks the selected question.
    pub marker: Style,
    /// Titles.
    pub title: Style,
    /// What matches the phrase.
    pub matched: Style,
    /// Where a question stands.
    pub place: Style,
    /// What is there to be overlooked.
    pub quiet: Style,
    /// What must not be overlooked.
    pub warning: Style,
    /// How sure we are: hardly, somewhat, very.
    pub sure: [Style; 3],
    /// Headings of an answer.
    pub heading: Style,
    /// Code among words.
    pub code: Style,
    /// Links.
    pub link: Style,
    /// In code: keywords.
    pub keyword: Style,
    /// In code: text.
    pub string: Style,
    /// In code: remarks.
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
    /// With colours.
    pub const fn coloured() -> Self {
        Self {
            marker: colour(Color::Magenta).add_modifier(Modifier::BOLD),
            title: Style::new().add_modifier(Modifier::BOLD),
            matched: colour(Color::Yellow).add_modifier(Modifier::BOLD),
            place: colour(Color::Cyan),
            quiet: Style::new().add_modifier(Modifier::DIM),
            warning: colour(Color::Yellow),
            sure: [Style::new().add_modifier(Modifier::DIM), colour(Color::Yellow), colour(Color::Green)],
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

    /// Without: bold, dim and underlined text says what it can.
    pub const fn plain() -> Self {
        let none = Style::new();
        let bold = none.add_modifier(Modifier::BOLD);
        let quiet = none.add_modifier(Modifier::DIM);
        Self {
            marker: bold,
            title: bold,
            matched: bold.add_modifier(Modifier::UNDERLINED),
            place: none,
            quiet,
            warning: bold,
            sure: [none; 3],
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
