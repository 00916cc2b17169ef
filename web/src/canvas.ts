/** What pictures are drawn with: the colours of the page as it is now. */
export interface Palette {
  accent: string;
  ink: string;
  faint: string;
  warn: string;
  bad: string;
}

/** Reads the colours of the page; they change when it becomes dark. */
export function palette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string) => style.getPropertyValue(name).trim();
  return {
    accent: read('--accent'),
    ink: read('--ink-2'),
    faint: read('--line'),
    warn: read('--warn'),
    bad: read('--bad'),
  };
}

/** Fits a canvas to its place in the pixels of the screen. */
export function fitted(canvas: HTMLCanvasElement): {
  context: CanvasRenderingContext2D;
  width: number;
  height: number;
} {
  const scale = devicePixelRatio;
  const { clientWidth: width, clientHeight: height } = canvas;
  const [pixelsWide, pixelsHigh] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== pixelsWide || canvas.height !== pixelsHigh) {
    canvas.width = pixelsWide;
    canvas.height = pixelsHigh;
  }
  const context = canvas.getContext('2d')!;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** Calls `draw` once for each picture of the screen while it is seen; gives back what ends it. */
export function animate(element: Element, draw: () => void): () => void {
  let isSeen = true;
  let asked = 0;
  const turn = () => {
    if (isSeen) draw();
    asked = requestAnimationFrame(turn);
  };
  const watch = new IntersectionObserver((entries) => {
    isSeen = entries.at(-1)?.isIntersecting ?? true;
  });
  watch.observe(element);
  asked = requestAnimationFrame(turn);
  return () => {
    cancelAnimationFrame(asked);
    watch.disconnect();
  };
}
