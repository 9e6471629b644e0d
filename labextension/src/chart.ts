/**
 * Power over the last minutes, stacked by device, with metered cells as bands.
 *
 * Draws with uPlot on a canvas, in colours taken from the theme's variables.  Imports
 * history's columns; knows neither model nor React.
 */
import uPlot from 'uplot';

import type { Columns } from './history';

/** A stretch of time to be marked, in seconds since the epoch. */
export interface IBand {
  from: number;
  to: number;
  label: string;
}

/** One layer of the stack. */
export interface ILayer {
  /** Name of the theme's variable, such as `--jp-brand-color1`. */
  colour: string;
  /** Opacity of the area: devices of one kind alternate. */
  opacity: number;
}

const HEIGHT = 128;
const LEFT = 44;
/** A chart of an idle machine shall not fill its height with noise. */
const LEAST_TOP_W = 10;
const BAND_OPACITY = 0.16;
const BAND_MARK = 3;
const LABEL_ROOM = 40;
const CLOCK_ROOM = 18;

/** Distances of the labels below: whole minutes, in seconds. */
const MINUTES = [60, 120, 300, 600];

/** A chart in a DOM node, until disposed. */
export class PowerChart {
  constructor(
    host: HTMLElement,
    layers: readonly ILayer[],
    onHover: (time: number | null) => void
  ) {
    this._host = host;
    this._layers = layers;
    this._onHover = onHover;
    this._plot = this._build();
    this._observer = new ResizeObserver(() => this._resize());
    this._observer.observe(host);
  }

  /** Show new columns; *seconds* is the length of the time shown. */
  update(columns: Columns, bands: readonly IBand[], seconds: number): void {
    this._bands = bands;
    this._seconds = seconds;
    this._plot.setData(columns as uPlot.AlignedData);
  }

  /** Take the colours of a new theme. */
  restyle(): void {
    const data = this._plot.data;
    this._plot.destroy();
    this._plot = this._build();
    this._plot.setData(data);
  }

  /** Free the canvas. */
  dispose(): void {
    this._observer.disconnect();
    this._plot.destroy();
  }

  private _build(): uPlot {
    const style = getComputedStyle(this._host);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const faint = colour('--jp-border-color2');
    const text = colour('--jp-ui-font-color2');
    const font = `10px ${colour('--jp-ui-font-family') || 'sans-serif'}`;
    const axis = { stroke: text, font, ticks: { show: false } };
    const fills = this._layers.map(layer =>
      translucent(colour(layer.colour), layer.opacity)
    );
    return new uPlot(
      {
        width: Math.max(this._host.clientWidth, 1),
        height: HEIGHT,
        padding: [6, 14, 0, 0],
        legend: { show: false },
        cursor: {
          y: false,
          points: { show: false },
          drag: { x: false, y: false, setScale: false }
        },
        scales: {
          x: { time: true, range: () => this._span() },
          y: { range: (_, __, top) => [0, Math.max(top * 1.12, LEAST_TOP_W)] }
        },
        axes: [
          {
            ...axis,
            size: 20,
            gap: 4,
            space: 60,
            incrs: MINUTES,
            grid: { show: false },
            values: clockTimes
          },
          {
            ...axis,
            size: LEFT,
            gap: 4,
            space: 26,
            grid: { stroke: faint, width: 1 },
            values: (_, values) => values.map(wattsText)
          }
        ],
        series: [
          {},
          ...this._layers.map((layer, i) => ({
            stroke: colour(layer.colour),
            width: 1.25,
            points: { show: false },
            ...(i === 0 && { fill: fills[0] })
          }))
        ],
        // Each layer is filled down to the one below.
        bands: fills
          .map((fill, i) => ({ series: [i + 1, i] as [number, number], fill }))
          .slice(1),
        hooks: {
          drawClear: [plot => this._drawBands(plot, text, font)],
          setCursor: [plot => this._hover(plot)]
        }
      },
      [[], ...this._layers.map(() => [])],
      this._host
    );
  }

  private _span(): [number, number] {
    const times = this._plot?.data[0];
    const now = times?.[times.length - 1] ?? Date.now() / 1000;
    return [now - this._seconds, now];
  }

  private _hover(plot: uPlot): void {
    const at = plot.cursor.idx;
    const outside = (plot.cursor.left ?? -1) < 0;
    this._onHover(
      outside || at === null || at === undefined
        ? null
        : (plot.data[0][at] ?? null)
    );
  }

  private _drawBands(plot: uPlot, colour: string, font: string): void {
    const { ctx, bbox } = plot;
    const ratio = window.devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.fillStyle = colour;
    ctx.font = font.replace(/^(\d+)/, size => String(Number(size) * ratio));
    ctx.textBaseline = 'top';
    ctx.textAlign = 'left';
    const position = (time: number) => plot.valToPos(time, 'x', true);
    for (const band of merged(this._bands, position, ratio)) {
      // Of a band that began before the time shown, the rest.
      const left = Math.max(position(band.from), bbox.left);
      const right = Math.max(position(band.to), left + ratio);
      if (position(band.to) < bbox.left) {
        continue;
      }
      ctx.globalAlpha = BAND_OPACITY;
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
      ctx.globalAlpha = 0.7;
      ctx.fillRect(left, bbox.top, right - left, BAND_MARK * ratio);
      if (right - left > LABEL_ROOM * ratio && band.label) {
        const room = right - left - 6 * ratio;
        ctx.globalAlpha = 1;
        ctx.fillText(
          fitted(ctx, band.label, room),
          left + 3 * ratio,
          bbox.top + (BAND_MARK + 2) * ratio
        );
      }
    }
    ctx.restore();
  }

  private _resize(): void {
    const width = this._host.clientWidth;
    if (width > 0 && width !== this._plot.width) {
      this._plot.setSize({ width, height: HEIGHT });
    }
  }

  private readonly _host: HTMLElement;
  private readonly _layers: readonly ILayer[];
  private readonly _onHover: (time: number | null) => void;
  private readonly _observer: ResizeObserver;
  private _plot: uPlot;
  private _bands: readonly IBand[] = [];
  private _seconds = 300;
}

/** Return the bands as they can be told apart: those that touch are one, unnamed. */
function merged(
  bands: readonly IBand[],
  position: (time: number) => number,
  least: number
): IBand[] {
  const apart: IBand[] = [];
  for (const band of [...bands].sort((a, b) => a.from - b.from)) {
    const last = apart[apart.length - 1];
    if (last && position(band.from) - position(last.to) < least) {
      last.to = Math.max(last.to, band.to);
      last.label = '';
    } else {
      apart.push({ ...band });
    }
  }
  return apart;
}

/** Return a colour of the theme with an opacity, whatever form it is written in. */
function translucent(colour: string, opacity: number): string {
  return `color-mix(in srgb, ${colour || 'gray'} ${100 * opacity}%, transparent)`;
}

function clockTimes(plot: uPlot, times: number[]): string[] {
  const each = new Intl.DateTimeFormat(undefined, {
    hour: '2-digit',
    minute: '2-digit',
    hour12: false
  });
  // At the left edge it would stand in the lowest label of the other axis.
  return times.map(time =>
    plot.valToPos(time, 'x') < CLOCK_ROOM ? '' : each.format(time * 1000)
  );
}

function wattsText(watts: number | null): string {
  if (watts === null) {
    return '';
  }
  return watts >= 1000 ? `${watts / 1000} kW` : `${watts} W`;
}

function fitted(
  ctx: CanvasRenderingContext2D,
  text: string,
  room: number
): string {
  if (ctx.measureText(text).width <= room) {
    return text;
  }
  const letters = [...text];
  while (
    letters.length &&
    ctx.measureText(`${letters.join('')}…`).width > room
  ) {
    letters.pop();
  }
  return letters.length ? `${letters.join('')}…` : '';
}
