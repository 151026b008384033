//! The window's type: a subset of Noto Sans CJK KR in two weights (see `assets/fonts/README.md`),
//! and the system's own font for characters beyond it, loaded only when one is met.

use eframe::egui::{self, FontData, FontDefinitions, FontFamily};
use std::path::Path;
use std::sync::Arc;

/// Name of the bold family.
pub const BOLD: &str = "bold";

const REGULAR_OTF: &[u8] = include_bytes!("../../assets/fonts/PdConsoleSans-Regular.otf");
const BOLD_OTF: &[u8] = include_bytes!("../../assets/fonts/PdConsoleSans-Bold.otf");

/// Fonts that hold all Hangul and most else of East Asia, by system.
const SYSTEM: &[&str] = &[
    "C:\\Windows\\Fonts\\malgun.ttf",
    "/System/Library/Fonts/AppleSDGothicNeo.ttc",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/nanum/NanumGothic.ttf",
    "/usr/share/fonts/truetype/unfonts-core/UnDotum.ttf",
];

fn definitions(system: Option<FontData>) -> FontDefinitions {
    // The default fonts stay behind ours, for symbols.
    let mut fonts = FontDefinitions::default();
    let names = fonts
        .families
        .get(&FontFamily::Proportional)
        .cloned()
        .unwrap_or_default();
    for (name, bytes) in [("sans", REGULAR_OTF), ("sans-bold", BOLD_OTF)] {
        fonts
            .font_data
            .insert(name.into(), Arc::new(FontData::from_static(bytes)));
    }
    let mut regular = vec!["sans".to_owned()];
    let mut bold = vec!["sans-bold".to_owned(), "sans".to_owned()];
    if let Some(data) = system {
        fonts.font_data.insert("system".into(), Arc::new(data));
        regular.push("system".into());
        bold.push("system".into());
    }
    regular.extend(names.iter().cloned());
    bold.extend(names);
    fonts
        .families
        .insert(FontFamily::Monospace, regular.clone());
    fonts.families.insert(FontFamily::Proportional, regular);
    fonts.families.insert(FontFamily::Name(BOLD.into()), bold);
    fonts
}

/// Loads the bundled fonts.
pub fn install(ctx: &egui::Context) {
    ctx.set_fonts(definitions(None));
}

/// Loads the system's font, once, when a text has letters that the bundled fonts lack.
#[derive(Debug, Default)]
pub struct Fallback {
    tried: bool,
}

impl Fallback {
    /// Looks at a text that came from outside (log, device name).
    pub fn look(&mut self, ctx: &egui::Context, text: &str) {
        if self.tried || text.is_ascii() {
            return;
        }
        let lacking = ctx.fonts_mut(|fonts| {
            let font = super::theme::regular(14.0);
            text.chars()
                .any(|c| is_east_asian(c) && !fonts.has_glyph(&font, c))
        });
        if !lacking {
            return;
        }
        self.tried = true;
        let found = SYSTEM
            .iter()
            .map(Path::new)
            .find_map(|path| std::fs::read(path).ok());
        if let Some(bytes) = found {
            ctx.set_fonts(definitions(Some(FontData::from_owned(bytes))));
        }
    }
}

fn is_east_asian(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A context whose fonts are loaded.
    fn context() -> egui::Context {
        context_of(definitions(None))
    }

    fn context_of(fonts: FontDefinitions) -> egui::Context {
        let ctx = egui::Context::default();
        ctx.set_fonts(fonts);
        let mut output = ctx.run_ui(egui::RawInput::default(), |_| {});
        output.textures_delta.clear();
        ctx
    }

    #[test]
    fn every_character_of_both_languages_is_in_both_weights() {
        // Each weight by itself: a letter lent by the other one would stand out in its word.
        let mut fonts = definitions(None);
        let alone = |font: &str| vec![font.to_owned()];
        fonts
            .families
            .insert(FontFamily::Proportional, alone("sans"));
        let bold = FontFamily::Name(BOLD.into());
        fonts.families.insert(bold, alone("sans-bold"));
        let ctx = context_of(fonts);
        for source in [
            include_str!("../../assets/i18n/en.ftl"),
            include_str!("../../assets/i18n/ko.ftl"),
            crate::words::KOREAN_PO,
            "—–−…·×∞→←↑↓–‘’“”0123456789:.,%",
        ] {
            for c in source.chars().filter(|c| !c.is_control()) {
                ctx.fonts_mut(|fonts| {
                    for font in [
                        super::super::theme::regular(14.0),
                        super::super::theme::bold(14.0),
                    ] {
                        assert!(fonts.has_glyph(&font, c), "no glyph for {c:?} in {font:?}");
                    }
                });
            }
        }
    }

    #[test]
    fn digits_are_of_one_width_so_that_figures_stand_still() {
        let ctx = context();
        ctx.fonts_mut(|fonts| {
            let font = super::super::theme::bold(90.0);
            let zero = fonts.glyph_width(&font, '0');
            for digit in '1'..='9' {
                assert!(
                    (fonts.glyph_width(&font, digit) - zero).abs() < 0.01,
                    "{digit}"
                );
            }
        });
    }

    #[test]
    fn the_bundle_holds_everyday_hangul_and_stays_small() {
        let ctx = context();
        ctx.fonts_mut(|fonts| {
            assert!(fonts.has_glyphs(&super::super::theme::regular(14.0), "가각힝한글송출"));
        });
        assert!(REGULAR_OTF.len() + BOLD_OTF.len() < 1_200_000);
    }
}
