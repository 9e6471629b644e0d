/** The chart's place in the panel: when to draw, what it says in words. */
import * as React from 'react';

import { PowerChart, type IBand } from '../chart';
import { colourOf } from '../colours';
import { formatPower } from '../format';
import { countText, runningTitle } from '../groups';
import { peak, stack } from '../history';
import { spanOf } from '../record';
import type { IDevice, IGreenModel, IPowerSample } from '../tokens';
import { deviceWord } from '../words';
import { useView, Visible } from './context';

/** The first samples do not fill the width at once. */
const LEAST_S = 60;
const OPACITIES = [0.42, 0.22];

/** Power of *devices* over the last minutes. */
export function Chart({ devices }: { devices: IDevice[] }): JSX.Element {
  const { model, trans } = useView();
  const minutes = model.settings.chartMinutes;
  const [time, setTime] = React.useState<number | null>(null);
  const host = usePowerChart(devices, minutes, setTime);
  const top = formatPower(peak(model.samples));
  return (
    <>
      <div
        className="jp-GreenChart"
        role="img"
        aria-label={trans.__(
          'Power of the last %1 minutes by device, up to %2',
          minutes,
          top
        )}
        ref={host}
      />
      <Reading time={time} devices={devices} />
    </>
  );
}

/** What the chart shows under the pointer; else how to read it. */
function Reading(props: {
  time: number | null;
  devices: IDevice[];
}): JSX.Element {
  const { model, trans } = useView();
  const sample = model.samples.find(s => s.t === props.time);
  const hasBands = model.finished.length + model.running.length > 0;
  return (
    <div className="jp-GreenChart-reading" aria-hidden="true">
      {sample
        ? readingText(sample, props.devices, trans)
        : hasBands && trans.__('Grey bands are metered cells.')}
    </div>
  );
}

function readingText(
  sample: IPowerSample,
  devices: IDevice[],
  trans: ReturnType<typeof useView>['trans']
): string {
  const clock = new Date(sample.t * 1000).toLocaleTimeString();
  const parts = devices.map(device => {
    const watts = sample.power_w[device.id];
    return `${deviceWord(device, devices, trans)} ${formatPower(watts)}`;
  });
  return [clock, ...parts].join(' · ');
}

/** Keep a chart in the returned node's place, drawn while it can be seen. */
function usePowerChart(
  devices: IDevice[],
  minutes: number,
  onHover: (time: number | null) => void
): React.RefObject<HTMLDivElement> {
  const { model, themeChanged } = useView();
  const visible = React.useContext(Visible);
  const host = React.useRef<HTMLDivElement>(null);
  const ids = devices.map(device => device.id);
  React.useEffect(() => {
    if (!visible || !host.current) {
      return;
    }
    const chart = new PowerChart(host.current, layersOf(devices), onHover);
    let frame = 0;
    let restyling: ReturnType<typeof setTimeout> | undefined;
    const draw = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => {
        const now = model.samples[model.samples.length - 1]?.t ?? 0;
        const shown = model.samples.filter(s => s.t >= now - 60 * minutes);
        const seconds = now - (shown[0]?.t ?? now);
        chart.update(
          stack(shown, ids),
          bandsOf(model, now),
          Math.max(seconds, LEAST_S)
        );
      });
    };
    const restyle = () => {
      // The theme's style sheet is applied after the signal.
      clearTimeout(restyling);
      restyling = setTimeout(() => chart.restyle(), 100);
    };
    model.powerChanged.connect(draw);
    model.stateChanged.connect(draw);
    themeChanged?.connect(restyle);
    draw();
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(restyling);
      model.powerChanged.disconnect(draw);
      model.stateChanged.disconnect(draw);
      themeChanged?.disconnect(restyle);
      chart.dispose();
    };
  }, [model, visible, ids.join(), minutes, themeChanged]);
  return host;
}

function layersOf(devices: IDevice[]) {
  const seen = new Map<string, number>();
  return devices.map(({ kind }) => {
    const count = seen.get(kind) ?? 0;
    seen.set(kind, count + 1);
    return {
      colour: colourOf(kind),
      opacity: OPACITIES[count % OPACITIES.length]!
    };
  });
}

/** Cells metered on this host, as stretches of time. */
function bandsOf(model: IGreenModel, now: number): IBand[] {
  const here = model.host?.host.id;
  const cells = model.notebook?.cells ?? new Map();
  const finished = model.finished.flatMap(record => {
    const span = spanOf(record);
    const elsewhere = record.host && record.host.id !== here;
    return !span || elsewhere || record.parent
      ? []
      : [
          {
            from: span[0],
            to: span[1],
            label: record.label || countText(record.execution_count)
          }
        ];
  });
  const running = model.running.flatMap(window => {
    const from = Date.parse(window.started_at ?? '') / 1000;
    const elsewhere = window.host_id && window.host_id !== here;
    return Number.isNaN(from) || elsewhere
      ? []
      : [{ from, to: now, label: runningTitle(window, cells) }];
  });
  return [...finished, ...running];
}
