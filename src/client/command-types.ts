import type { Applied, CommandInput, CommandTime } from '../control/bus/command.js';
import type { StateView } from '../control/bus/engine-state.js';
import type { PatchInfo } from '../dsp/compiler.js';

/** When a `set` takes effect, and how. */
export interface SetOptions {
  /** How long it takes to get there, in milliseconds. Default 0: in the parameter's own time. */
  rampMs?: number;
  /** Default: as soon as can be. */
  at?: CommandTime;
  /** Number of the last command that the caller knows of; if there was another, it is refused. */
  ifSeq?: number;
}

/** What can be done to the parameters of the patch. */
export interface EngineCommands {
  /**
   * Gives a command to the engine; resolves once it has been sealed. It takes effect exactly once,
   * at the tick and frame in the answer, also when the engine's control process dies meanwhile.
   *
   * @throws TenutoError `TENUTO_COMMAND_INVALID`, `TENUTO_COMMAND_UNKNOWN`, `TENUTO_COMMAND_RANGE`,
   *   `TENUTO_COMMAND_STALE`, `TENUTO_COMMAND_LIMIT`, `TENUTO_COMMAND_VOIDED`: it has no effect;
   *   `TENUTO_ENGINE_UNREACHABLE`: nobody answered, and it may have taken effect
   */
  command(command: CommandInput): Promise<Applied>;
  /** Sets a parameter such as `filter1.cutoff`, in its unit or as text such as `1.2 kHz`. */
  set(path: string, value: number | string | boolean, options?: SetOptions): Promise<Applied>;
  /**
   * Changes the patch while it plays. It is prepared aside, tried, and plays from the tick in the
   * answer on; nodes of the same name go on where they were, and the patch before fades out. Should
   * it fail later within its probation, the engine goes back by itself.
   *
   * @throws TenutoError of the patch and its files, and `TENUTO_PATCH_WITHDRAWN` when it fails where
   *   it is tried: the patch before plays on
   */
  loadPatch(patch: PatchGiven): Promise<Applied>;
  /** The patch that plays: its text, and what its nodes are called. */
  patch(): Promise<PatchInfo>;
  /**
   * The parameters: all of them, those of a node, or one; where they are and where they go.
   *
   * @throws TenutoError `TENUTO_COMMAND_UNKNOWN`, `TENUTO_ENGINE_UNREACHABLE`
   */
  get(path?: string): Promise<StateView>;
}

/** A patch to change to. */
export interface PatchGiven {
  /** Absolute: the file; or, with `text`, what the text is called and where its paths begin. */
  file?: string;
  text?: string;
  /** How long the patch before fades out. Default: `patch.fadeMs` of the settings. */
  fadeMs?: number;
  /** Number of the last command that the caller knows of; if there was another, it is refused. */
  ifSeq?: number;
}
