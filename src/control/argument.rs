//! What an operation needs to be told, and how it is read from text: the palette, a script and a remote
//! control all hand it over as such. Pure.

use super::{Op, Refusal};

/// What an operation needs to be told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Takes {
    /// Nothing.
    Nothing,
    /// A number.
    Number {
        /// Its unit.
        unit: &'static str,
        /// The least that is taken.
        from: f64,
        /// The most.
        to: f64,
    },
    /// A text.
    Text {
        /// What it says.
        what: &'static str,
        /// A good one.
        example: &'static str,
    },
    /// A text that nobody may read: not to be shown, logged or remembered.
    Secret {
        /// What it is.
        what: &'static str,
    },
    /// A sound input by its number, from 1; without it the first, where there is one only.
    Input,
    /// A sound input and a number, such as `2 -6`; the input can be left out where there is one only.
    InputAndNumber {
        /// The number's unit.
        unit: &'static str,
        /// The least that is taken.
        from: f64,
        /// The most.
        to: f64,
    },
}

impl Takes {
    /// Whether it needs nothing.
    pub fn is_nothing(self) -> bool {
        self == Self::Nothing
    }

    /// Whether what it takes may not be shown, logged or remembered.
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::Secret { .. })
    }

    /// A good argument, for a hint.
    pub fn example(self) -> &'static str {
        match self {
            Self::Nothing | Self::Secret { .. } => "",
            Self::Number { unit: "%", .. } => "125",
            Self::Number { .. } => "2500",
            Self::Text { example, .. } => example,
            Self::Input => "1",
            Self::InputAndNumber { from, .. } if from < 0.0 => "1 -6",
            Self::InputAndNumber { .. } => "1 40",
        }
    }

    /// In words, English.
    pub fn words(self) -> String {
        match self {
            Self::Nothing => "nothing".into(),
            Self::Number { unit, from, to } => format!("a number from {from} to {to} {unit}"),
            Self::Text { what, .. } | Self::Secret { what } => what.into(),
            Self::Input => "the number of a sound input, from 1".into(),
            Self::InputAndNumber { unit, from, to } => {
                format!("the number of a sound input and a number from {from} to {to} {unit}")
            }
        }
    }
}

/// The refusal of `given`.
pub(super) fn not_understood(op: Op, given: Option<&str>) -> Refusal {
    let takes = op.takes();
    let given = match given {
        Some(_) if takes.is_secret() => "***",
        Some(given) => given,
        None => "",
    };
    Refusal::Argument {
        op: op.id(),
        takes: takes.words(),
        given: given.to_owned(),
        example: takes.example(),
    }
}

/// The number in `text`: with or without its unit, a decimal point; of a bitrate also megabits, as
/// `2.5M` or `2.5 Mb/s`.
pub fn number(text: &str, unit: &str) -> Option<f64> {
    let text = text.trim().replace('−', "-");
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+')))
        .unwrap_or(text.len());
    let (figures, rest) = text.split_at(end);
    let value: f64 = figures
        .parse()
        .ok()
        .filter(|value: &f64| value.is_finite())?;
    let rest = rest.trim().to_ascii_lowercase();
    let factor = match rest.as_str() {
        "" => 1.0,
        rest if rest == unit.to_ascii_lowercase() => 1.0,
        "k" | "kbps" | "kbit/s" if unit == "kb/s" => 1.0,
        "m" | "mb/s" | "mbps" | "mbit/s" if unit == "kb/s" => 1000.0,
        _ => return None,
    };
    Some(value * factor)
}

/// The place, from 0, of the input that `given` names from 1, where there are so many.
///
/// # Errors
/// Where it is no number, there is no such input, or it was left out and there are several.
pub fn input_number(op: Op, given: Option<&str>, inputs: usize) -> Result<usize, Refusal> {
    let given = given.map(str::trim).filter(|text| !text.is_empty());
    let number = match given {
        None if inputs == 1 => 1,
        None => return Err(not_understood(op, None)),
        Some(text) => text.parse().map_err(|_| not_understood(op, Some(text)))?,
    };
    if (1..=inputs).contains(&number) {
        Ok(number - 1)
    } else {
        Err(Refusal::NoInput { number, inputs })
    }
}

/// The input's place, from 0, and the number within bounds.
///
/// # Errors
/// As [`input_number`], and where there is no number or it is out of bounds.
pub fn input_and_number(
    op: Op,
    given: Option<&str>,
    inputs: usize,
) -> Result<(usize, f64), Refusal> {
    let refused = || not_understood(op, given);
    let Takes::InputAndNumber { unit, from, to } = op.takes() else {
        return Err(refused());
    };
    let text = given.unwrap_or_default().trim();
    let whole = number(text, unit).filter(|_| inputs == 1);
    let (input, value) = match whole {
        Some(value) => (0, value),
        None => {
            let (input, value) = text.split_once(char::is_whitespace).ok_or_else(refused)?;
            let value = number(value, unit).ok_or_else(refused)?;
            (input_number(op, Some(input), inputs)?, value)
        }
    };
    if (from..=to).contains(&value) {
        Ok((input, value))
    } else {
        Err(refused())
    }
}
