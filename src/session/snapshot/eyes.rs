//! The part of the snapshot that is about those who watch: capture to the eye of each viewer, and why
//! there is no such figure where there is none. Plain values.

use super::StageFigures;
use crate::viewer::report::PageFigures;
use std::sync::Arc;

/// A viewer of the console's page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Eye {
    /// Address and browser, such as "192.168.0.7 Chrome, Android".
    pub label: String,
    /// Capture to the display of the same picture over the last three seconds, as the browser expects
    /// it to be visible; the screen's own delay is not in it. None where it is not certain.
    pub to_eye: Option<StageFigures>,
    /// The figure is right within so much, ms; known where the clock is, figure or not.
    pub unsure_ms: Option<f64>,
    /// Of it: from the arrival of the same pictures at the probe, median, ms.
    pub after_arrival_ms: Option<f64>,
    /// What the browser says of its playing.
    pub page: PageFigures,
    /// Why there is no figure.
    pub why_not: Option<WhyNot>,
}

/// Why there is no figure of a viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhyNot {
    /// No show is on.
    NoShow,
    /// The page is hidden: it shows nothing.
    Hidden,
    /// The picture does not play yet, or not at the moment.
    NotPlaying,
    /// The picture is paused.
    Paused,
    /// The browser does not tell when it shows which picture.
    Browser,
    /// Too little was seen yet.
    Joining,
    /// Its clock is not known well enough: the network between is slow or uneven.
    Clock,
    /// The probe is not in the stream: nobody says which picture came when.
    NoProbe,
    /// Its pictures are not the probe's: the server gives other time stamps.
    NoMatch,
    /// It has not been heard of for a moment.
    Silent,
}

impl WhyNot {
    /// In words, for the table of a run without a window.
    pub fn text(self) -> &'static str {
        match self {
            Self::NoShow => "no show is on",
            Self::Hidden => "the page is hidden",
            Self::NotPlaying => "the picture does not play",
            Self::Paused => "the picture is paused",
            Self::Browser => "the browser does not tell when it shows a picture",
            Self::Joining => "too little was seen yet",
            Self::Clock => "the viewer's clock is not known well enough over this network",
            Self::NoProbe => "the probe is not in the stream",
            Self::NoMatch => "the server gives its pictures other time stamps than the probe's",
            Self::Silent => "not heard of for a moment",
        }
    }
}

/// Those who watch on the console's page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EyesStatus {
    /// One by one, in the order in which they came.
    pub viewers: Arc<Vec<Eye>>,
    worst: Option<usize>,
}

impl EyesStatus {
    /// Of these.
    pub fn of(viewers: Vec<Eye>) -> Self {
        let median = |eye: &Eye| eye.to_eye.map(|figures| figures.p50_ms);
        let measured = viewers.iter().enumerate();
        let worst = measured
            .filter_map(|(index, eye)| Some((index, median(eye)?)))
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(index, _)| index);
        Self {
            viewers: Arc::new(viewers),
            worst,
        }
    }

    /// The one whose picture is the oldest, among those with a figure.
    pub fn worst(&self) -> Option<&Eye> {
        self.viewers.get(self.worst?)
    }

    /// Whether the viewer of this number is the worst among several with a figure.
    pub fn is_worst(&self, index: usize) -> bool {
        let measured = self.viewers.iter().filter(|eye| eye.to_eye.is_some());
        self.worst == Some(index) && measured.count() > 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eye(p50_ms: Option<f64>) -> Eye {
        Eye {
            to_eye: p50_ms.map(|p50_ms| StageFigures {
                p50_ms,
                ..StageFigures::default()
            }),
            ..Eye::default()
        }
    }

    #[test]
    fn the_worst_is_among_those_with_a_figure() {
        let status = EyesStatus::of(vec![eye(Some(30.0)), eye(None), eye(Some(41.0))]);
        assert_eq!(status.worst().unwrap().to_eye.unwrap().p50_ms, 41.0);
        assert!(status.is_worst(2) && !status.is_worst(0) && !status.is_worst(1));
        // One alone is not called the worst of all.
        let status = EyesStatus::of(vec![eye(None), eye(Some(30.0))]);
        assert!(status.worst().is_some() && !status.is_worst(1));
        assert_eq!(EyesStatus::of(vec![eye(None)]).worst(), None);
    }
}
