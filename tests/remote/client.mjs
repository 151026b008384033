// Steers a console through obs-websocket-js, in MessagePack as Bitfocus Companion does and in JSON: a part
// of tests/remote. client.mjs PORT PASSWORD FOLDER, where FOLDER has node_modules.
import assert from 'node:assert'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [port, password, folder] = process.argv.slice(2)
const require = createRequire(join(folder, 'package.json'))
const url = `ws://127.0.0.1:${port}`

for (const form of ['obs-websocket-js/msgpack', 'obs-websocket-js/json']) {
	const { OBSWebSocket, EventSubscription } = require(form)
	const wrong = new OBSWebSocket()
	await assert.rejects(wrong.connect(url, 'wrong'), { code: 4009 })

	const obs = new OBSWebSocket()
	const meters = EventSubscription.All | EventSubscription.InputVolumeMeters
	const identified = await obs.connect(url, password, { eventSubscriptions: meters, rpcVersion: 1 })
	assert.equal(identified.negotiatedRpcVersion, 1)
	const next = (event, is = () => true) =>
		new Promise((resolve, reject) => {
			const late = setTimeout(() => reject(new Error(`no ${event}`)), 15000)
			obs.on(event, (data) => {
				if (is(data)) {
					clearTimeout(late)
					resolve(data)
				}
			})
		})
	const levels = await next('InputVolumeMeters')
	assert.deepEqual(
		levels.inputs.map((input) => input.inputName),
		['Sum', 'Tone'],
	)
	const { scenes } = await obs.call('GetSceneList')
	assert.equal(scenes[0].sceneName, 'Program')
	const muted = next('InputMuteStateChanged', (data) => data.inputName === 'Tone')
	await obs.call('SetInputMute', { inputName: 'Tone', inputMuted: true })
	assert.equal((await muted).inputMuted, true)
	await obs.call('SetInputMute', { inputName: 'Tone', inputMuted: false })
	const kbps = form.endsWith('json') ? 1100 : 1300
	const set = next('VendorEvent', (data) => data.eventType === 'bitrate' && data.eventData.kbps === kbps)
	const answer = await obs.call('CallVendorRequest', {
		vendorName: 'pd-console',
		requestType: 'set_bitrate',
		requestData: { kbps },
	})
	assert.equal(answer.responseData.kbps, kbps)
	await set
	const batch = await obs.callBatch([{ requestType: 'GetStats' }, { requestType: 'StartStream' }])
	assert.deepEqual(
		batch.map((result) => result.requestStatus.code),
		[100, 500],
	)
	const shot = await obs.call('GetSourceScreenshot', { sourceName: 'Program', imageFormat: 'png', imageWidth: 96 })
	assert.match(shot.imageData, /^data:image\/png;base64,iVBOR/)
	await obs.disconnect()
}
console.log('node: fine')
