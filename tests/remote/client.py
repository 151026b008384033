"""Steers a console through obsws-python (blocking) and simpleobsws (asyncio): a part of tests/remote.

client.py PORT PASSWORD; the console is live on its own. Exits with 1 and a word where something is not
as OBS would have it.
"""

import asyncio
import sys
import time

import obsws_python
import simpleobsws

PORT, PASSWORD = int(sys.argv[1]), sys.argv[2]


def wait(what, is_so, seconds=20):
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            sys.exit(f"not within {seconds} s: {what}")
        time.sleep(0.05)


def blocking():
    try:
        obsws_python.ReqClient(host="127.0.0.1", port=PORT, password="wrong", timeout=5)
        sys.exit("a wrong password was let in")
    except obsws_python.error.OBSSDKError as error:
        assert "identify" in str(error), error
    client = obsws_python.ReqClient(host="127.0.0.1", port=PORT, password=PASSWORD, timeout=5)
    events = []
    listener = obsws_python.EventClient(host="127.0.0.1", port=PORT, password=PASSWORD, timeout=5)

    def on_input_mute_state_changed(data):
        events.append((data.input_name, data.input_muted))

    def on_stream_state_changed(data):
        events.append((data.output_state, data.output_active))

    listener.callback.register([on_input_mute_state_changed, on_stream_state_changed])
    assert "PD console" in client.get_version().platform_description
    assert client.get_stream_status().output_active
    names = [item["inputName"] for item in client.get_input_list().inputs]
    assert names == ["Picture", "Sum", "Tone"], names
    client.set_input_mute("Sum", True)
    assert client.get_input_mute("Sum").input_muted
    client.toggle_input_mute("Sum")
    assert not client.get_input_mute("Sum").input_muted
    client.set_input_volume("Tone", vol_db=-9)
    assert round(client.get_input_volume("Tone").input_volume_db) == -9
    client.trigger_hot_key_by_name("bitrate-set 900")
    answer = client.call_vendor_request("pd-console", "get_bitrate")
    assert answer.response_data["kbps"] == 900, answer.response_data
    try:
        client.get_input_mute("nobody")
        sys.exit("an input that is not there was found")
    except obsws_python.error.OBSSDKRequestError as error:
        assert error.code == 600, error
    client.stop_stream()
    wait("stopped", lambda: ("OBS_WEBSOCKET_OUTPUT_STOPPED", False) in events)
    client.start_stream()
    wait("started again", lambda: ("OBS_WEBSOCKET_OUTPUT_STARTED", True) in events)
    assert ("Sum", True) in events and ("Sum", False) in events, events
    listener.disconnect()
    client.disconnect()


async def asynchronous():
    client = simpleobsws.WebSocketClient(url=f"ws://127.0.0.1:{PORT}", password=PASSWORD)
    await client.connect()
    assert await client.wait_until_identified()
    request = simpleobsws.Request
    results = await client.call_batch(
        [
            request("SetInputMute", {"inputName": "Sum", "inputMuted": True}),
            request("GetInputMute", {"inputName": "Sum"}),
            request("Sleep", {"sleepMillis": 20}),
            request("GetScene"),
        ],
        halt_on_failure=False,
    )
    codes = [result.requestStatus.code for result in results]
    assert codes == [100, 100, 100, 204], codes
    assert results[1].responseData == {"inputMuted": True}
    await client.disconnect()


blocking()
asyncio.run(asynchronous())
print("python: fine")
