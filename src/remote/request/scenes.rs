//! Requests about scenes. The console has one picture and one mix, so there is one scene, which is
//! always on; clients such as Companion find inputs through it.

use super::inputs::{Place, find_source, inputs};
use super::{Answered, DONE, Desk, Refused, Request, done, refused};
use crate::remote::protocol::{Status, uuid};
use serde_json::{Value, json};

/// The scene's name.
pub const SCENE: &str = "Program";

/// The same as a UUID.
pub fn scene_uuid() -> String {
    uuid(&format!("scene {SCENE}"))
}

/// That the request means the one scene.
fn is_scene(request: Request<'_>) -> Result<(), Refused> {
    let name = request.data.optional_text("sceneName")?;
    let id = request.data.optional_text("sceneUuid")?;
    match (name, id) {
        (Some(SCENE), _) => Ok(()),
        (None, Some(id)) if id == scene_uuid() => Ok(()),
        (None, None) => Err(refused(
            Status::MissingRequestField,
            "`sceneName` or `sceneUuid` is needed",
        )),
        _ => Err(refused(
            Status::ResourceNotFound,
            format!("there is one scene only, `{SCENE}`"),
        )),
    }
}

pub(super) fn list(_: Request<'_>, _: &mut Desk<'_>) -> Answered {
    done(json!({
        "currentProgramSceneName": SCENE,
        "currentProgramSceneUuid": scene_uuid(),
        "currentPreviewSceneName": null,
        "currentPreviewSceneUuid": null,
        "scenes": [{ "sceneIndex": 0, "sceneName": SCENE, "sceneUuid": scene_uuid() }],
    }))
}

pub(super) fn current(_: Request<'_>, _: &mut Desk<'_>) -> Answered {
    done(json!({
        "sceneName": SCENE,
        "sceneUuid": scene_uuid(),
        "currentProgramSceneName": SCENE,
        "currentProgramSceneUuid": scene_uuid(),
    }))
}

pub(super) fn set_current(request: Request<'_>, _: &mut Desk<'_>) -> Answered {
    is_scene(request)?;
    DONE
}

pub(super) fn items(request: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    is_scene(request)?;
    let size = desk.snapshot.settings.video.size;
    let items: Vec<Value> = inputs(&desk.snapshot.settings)
        .into_iter()
        .enumerate()
        .map(|(index, input)| {
            let (width, height) = match input.place {
                Place::Picture => (size.width, size.height),
                _ => (0, 0),
            };
            json!({
                "sceneItemId": index + 1,
                "sceneItemIndex": index,
                "sceneItemEnabled": true,
                "sceneItemLocked": true,
                "sceneItemBlendMode": "OBS_BLEND_NORMAL",
                "sceneItemTransform": {
                    "alignment": 5, "boundsAlignment": 0, "boundsHeight": 0.0, "boundsType": "OBS_BOUNDS_NONE",
                    "boundsWidth": 0.0, "cropBottom": 0, "cropLeft": 0, "cropRight": 0, "cropToBounds": false, "cropTop": 0,
                    "height": f64::from(height), "positionX": 0.0, "positionY": 0.0, "rotation": 0.0, "scaleX": 1.0, "scaleY": 1.0,
                    "sourceHeight": f64::from(height), "sourceWidth": f64::from(width), "width": f64::from(width),
                },
                "sourceName": input.name,
                "sourceUuid": input.uuid,
                "sourceType": "OBS_SOURCE_TYPE_INPUT",
                "inputKind": input.kind,
                "isGroup": null,
            })
        })
        .collect();
    done(json!({ "sceneItems": items }))
}

pub(super) fn active(request: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    let input = find_source(request, desk)?;
    let active = match input.place {
        Place::Picture => {
            let picture = &desk.snapshot.picture;
            !picture.label.is_empty() && picture.problem.is_none()
        }
        Place::Sum => !desk.snapshot.audio.label.is_empty(),
        Place::Strip(index) => desk
            .snapshot
            .audio
            .inputs
            .get(index)
            .is_some_and(|input| !input.label.is_empty() && input.problem.is_none()),
    };
    done(json!({ "videoActive": active, "videoShowing": active }))
}

/// There are no filters.
pub(super) fn filters(request: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    if request.data.optional_text("sourceName")? != Some(SCENE) {
        find_source(request, desk)?;
    }
    done(json!({ "filters": [] }))
}

/// There are no groups.
pub(super) fn groups(_: Request<'_>, _: &mut Desk<'_>) -> Answered {
    done(json!({ "groups": [] }))
}

/// All that there is, under the program's name.
pub(super) fn collections(_: Request<'_>, _: &mut Desk<'_>) -> Answered {
    done(json!({
        "currentSceneCollectionName": "PD console",
        "sceneCollections": ["PD console"],
    }))
}

/// There are none.
pub(super) fn transitions(_: Request<'_>, _: &mut Desk<'_>) -> Answered {
    done(json!({
        "currentSceneTransitionName": null,
        "currentSceneTransitionUuid": null,
        "currentSceneTransitionKind": null,
        "transitions": [],
    }))
}

pub(super) fn transition(_: Request<'_>, _: &mut Desk<'_>) -> Answered {
    let why = "there are no transitions: the console has one scene";
    Err(refused(Status::InvalidResourceState, why))
}

/// There is none.
pub(super) fn studio_mode(_: Request<'_>, _: &mut Desk<'_>) -> Answered {
    done(json!({ "studioModeEnabled": false }))
}
