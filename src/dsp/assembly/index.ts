// One line per kernel: this file is the module's list of exports.
export { arenaBase, configure } from './abi';
export { hold } from './hold';
export { run } from './run';
export { k_gain } from './gain';
export { k_scale } from './scale';
export { k_adsr } from './adsr';
export { k_lfo, k_lfo_init } from './lfo';
export { k_pan } from './pan';
export { k_mix } from './mix';
export { k_meter } from './meter';
export { k_osc } from './osc';
export { k_noise, k_noise_init } from './noise';
export { k_svf } from './svf';
export { k_biquad } from './biquad';
export { k_delay } from './delay';
export { k_drive } from './drive';
export { k_limiter } from './limiter';
export { k_reverb } from './reverb';
