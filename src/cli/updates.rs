//! `updates`: is there a newer version? Asks at once, whatever the setting says, and remembers nothing.

use crate::session::failure::{Failure, FailureKind};
use crate::updates::release::{Release, is_newer, own_version};
use crate::updates::{Feed, ask};

/// `updates`: asks and says what came of it.
///
/// # Errors
/// An address that may not be asked, no answer, or one that cannot be read.
pub fn updates() -> Result<String, Failure> {
    let failed = |why: String| {
        let text = format!("whether there is a newer version cannot be told: {why}");
        Failure::new(FailureKind::Internal, text)
    };
    let Some(feed) = Feed::of_this_build().map_err(failed)? else {
        return Ok(format!(
            "This is {}. This build was given no address to ask for newer versions.\n",
            own_version()
        ));
    };
    let found = ask::ask(&feed).map_err(failed)?;
    Ok(said(found.as_ref()))
}

fn said(found: Option<&Release>) -> String {
    let own = own_version();
    match found.filter(|release| is_newer(&release.version, own)) {
        Some(release) => {
            let page = release.page.as_deref().unwrap_or_default();
            let text = format!(
                "Version {} is there; this is {own}. {page}",
                release.version
            );
            format!("{}\n", text.trim_end())
        }
        None => format!("This is {own}, and no newer version is there.\n"),
    }
}
