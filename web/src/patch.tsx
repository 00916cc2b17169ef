import { useMemo } from 'preact/hooks';
import {
  listenTo,
  type Parameter,
  parameters,
  patch,
  played,
  selected,
  setParameter,
  tap,
} from './engine.js';
import { valueText } from './format.js';
import { layOut, type Placed } from './graph-layout.js';

const columnWidth = 146;
const rowHeight = 56;
const nodeWidth = 112;
const nodeHeight = 40;
const steps = 1000;

const leftOf = ({ column }: Placed) => column * columnWidth;
const topOf = ({ row }: Placed) => row * rowHeight;

function wirePath(from: Placed, to: Placed, isBack: boolean): string {
  const [x1, y1] = [leftOf(from) + nodeWidth, topOf(from) + nodeHeight / 2];
  const [x2, y2] = [leftOf(to), topOf(to) + nodeHeight / 2];
  const reach = isBack ? 60 : Math.max(24, (x2 - x1) / 2);
  const drop = isBack ? 46 : 0;
  return `M${x1} ${y1}C${x1 + reach} ${y1 + drop} ${x2 - reach} ${y2 + drop} ${x2} ${y2}`;
}

function Graph() {
  const nodes = patch.value?.nodes;
  const { placed, wires } = useMemo(() => layOut(nodes ?? []), [nodes]);
  const byName = new Map(placed.map((one) => [one.node.name, one]));
  const width = Math.max(0, ...placed.map(leftOf)) + nodeWidth;
  const height = Math.max(0, ...placed.map(topOf)) + nodeHeight;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would hold a form.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard.
    <div class="graph" role="group" aria-label="The nodes of the patch" tabIndex={0}>
      <div class="sheet" style={{ width: `${width}px`, height: `${height}px` }}>
        <svg width={width} height={height} aria-hidden="true">
          {wires.map(({ from, to, port, isBack }) => {
            const near = from === selected.value || to === selected.value;
            return (
              <path
                key={`${from} ${to} ${port}`}
                class={`${near ? 'near' : ''} ${isBack ? 'back' : ''}`}
                d={wirePath(byName.get(from)!, byName.get(to)!, isBack)}
              />
            );
          })}
        </svg>
        {placed.map((one) => {
          const { name, type } = one.node;
          return (
            <button
              key={name}
              type="button"
              class={`node ${tap.value === name ? 'tapped' : ''}`}
              aria-pressed={selected.value === name}
              style={{ left: `${leftOf(one)}px`, top: `${topOf(one)}px` }}
              onClick={() => {
                selected.value = selected.value === name ? '' : name;
              }}
            >
              <span>{name}</span>
              <small>{type}</small>
            </button>
          );
        })}
      </div>
    </div>
  );
}

/** Frequencies and times are heard by their ratios. */
function lowest({ unit, min, max }: Parameter): number | null {
  if (min < 0 || max <= 0) return null;
  if (unit === 'Hz') return Math.max(min, 0.02);
  if (unit === 's') return Math.max(min, 0.001);
  return null;
}

function positionOf(value: number, one: Parameter): number {
  const low = lowest(one);
  const share =
    low === null
      ? (value - one.min) / (one.max - one.min)
      : Math.log(Math.max(value, low) / low) / Math.log(one.max / low);
  return Math.round(share * steps);
}

function valueAt(position: number, one: Parameter): number {
  const share = position / steps;
  const low = lowest(one);
  if (low === null) return one.min + share * (one.max - one.min);
  return position === 0 ? one.min : low * (one.max / low) ** share;
}

function Slider({ path, name, isCabled }: { path: string; name: string; isCabled: boolean }) {
  const one = parameters.value[path];
  if (one === undefined) return null;
  const text = valueText(one.target, one.unit);
  return (
    <label class="slider">
      <span>
        {name}
        {isCabled && <small> and what its cables add</small>}
      </span>
      <input
        type="range"
        min={0}
        max={steps}
        value={positionOf(one.target, one)}
        aria-valuetext={text}
        onInput={(event) => setParameter(path, valueAt(Number(event.currentTarget.value), one))}
      />
      {/* The slider itself says it. */}
      <span class="value" aria-hidden="true">
        {text}
      </span>
    </label>
  );
}

function Inspector() {
  const node = patch.value?.nodes.find(({ name }) => name === selected.value);
  if (node === undefined) {
    return <p class="hint">Choose a node to hear it alone, and to change what it does.</p>;
  }
  const changeable = node.ports.filter(({ path }) => path !== null);
  const isTapped = tap.value === node.name;
  return (
    <div class="inspector">
      <div class="head">
        <h3>
          {node.name} <small>{`${node.type}, ${node.width}`}</small>
        </h3>
        <button type="button" onClick={() => listenTo(isTapped ? played : node.name)}>
          {isTapped ? 'Show what is played' : 'Show its sound'}
        </button>
      </div>
      {changeable.length === 0 && <p class="hint">It has nothing but cables.</p>}
      {changeable.map(({ name, path, cables }) => (
        <Slider key={path} path={path!} name={name} isCabled={cables.length > 0} />
      ))}
    </div>
  );
}

/** The patch that plays, as a graph; what is chosen in it can be changed. */
export function Patch() {
  return (
    <section aria-labelledby="patch-title">
      <div class="head">
        <h2 id="patch-title">Patch</h2>
        <p class="aside">{patch.value?.name ?? ''}</p>
      </div>
      <Graph />
      <Inspector />
    </section>
  );
}
