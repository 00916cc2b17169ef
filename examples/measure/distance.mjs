// Measures a distance with the library, in a room that is only computed:
//
//   node examples/measure/distance.mjs
//
// With a loudspeaker and a microphone take `device: { name: 'default', capture: 'default' }`.
import { measureDistance, measureLatency, PersistentStream } from 'tenuto/measure';
import { loadSettings } from 'tenuto/settings';

const room = { spacingM: 0.1, targets: [{ distanceM: 1.5 }] };
const settings = loadSettings({
  flags: {
    name: 'measure-example',
    device: 'virtual',
    capture: 'virtual',
    set: [
      `device.virtual.room=${JSON.stringify(room)}`,
      'measure.maxM=5',
      'control.http=off',
      'control.osc=off',
    ],
  },
});

// Opened once and closed once, whatever is measured in between.
const stream = await PersistentStream.open({ settings }, console.log);
try {
  const latency = await measureLatency(stream);
  console.log(`round trip ${latency.frames.toFixed(3)} frames, ${latency.ms.toFixed(4)} ms`);
  const { echo, confidence } = await measureDistance(stream, settings.measure, { runs: 3 });
  if (echo === null) console.log('no echo');
  else console.log(`${echo.distanceM.toFixed(4)} m, ${echo.snrDb.toFixed(0)} dB, ${confidence}`);
} finally {
  await stream.close();
}
