// Speaks what a voice assistant answers, as it arrives, on top of whatever the engine plays:
//
//   npx tenuto run examples/demo.yaml &
//   some-speech-synthesis | node examples/voice-reply.ts     (s16, 24 kHz, mono; Node 22.18 or newer)
//
// Devices may come and go meanwhile: not a syllable is lost. Ctrl-C is somebody who interrupts: what
// was not heard yet is taken back at once.
import { connectEngine } from 'tenuto';

await using engine = await connectEngine(process.env.ENGINE ?? 'default');
await using speech = await engine.openStream({
  rate: 24_000,
  channels: 1,
  format: 's16',
  name: 'assistant',
});

let interrupted = false;
process.on('SIGINT', () => {
  interrupted = true;
  void speech.flush();
  process.stdin.destroy();
});

/** Half a sample, when a part of the text ends in the middle of one. */
let odd = Buffer.alloc(0);
try {
  for await (const part of process.stdin) {
    const bytes = Buffer.concat([odd, part as Buffer]);
    const whole = bytes.length - (bytes.length % 2);
    odd = bytes.subarray(whole);
    // Waits while 200 ms are ahead of what is heard, so that an interruption has little to take back.
    if (whole > 0) await speech.write(bytes.subarray(0, whole));
  }
  if (!interrupted) await speech.drain();
} catch (error) {
  if (!interrupted) throw error;
}
console.log(
  `${(speech.played / 24_000).toFixed(2)} s were heard${interrupted ? ', the rest was taken back' : ''}`,
);
