/** Live power: the total, the chart, and each device with its method. */
import * as React from 'react';

import { colourOf } from '../colours';
import { formatPower } from '../format';
import { CommandIDs } from '../ids';
import { isRemote, newestSample } from '../states';
import type { IDevice, IFinding } from '../tokens';
import { deviceWord, methodTip, methodWord } from '../words';
import { Chart } from './chart';
import { useSignal, useView } from './context';
import { Section } from './section';

/** The section on the host's power. */
export function Now(): JSX.Element {
  const { model, trans } = useView();
  useSignal(model.stateChanged);
  const devices = model.host?.devices ?? [];
  const metered = devices.filter(device => device.method !== 'none');
  return (
    <Section name="now" title={trans.__('Now')} aside={<DoctorLink />}>
      <Total />
      {metered.length > 0 && <Chart devices={metered} />}
      {model.host && devices.length === 0 && (
        <NoDevice findings={model.host.findings} />
      )}
      <ul className="jp-GreenDevices" aria-label={trans.__('Devices')}>
        {devices.map(device => (
          <Device key={device.id} device={device} devices={devices} />
        ))}
      </ul>
    </Section>
  );
}

/** Why there is nothing to show: each reason with its remedy. */
function NoDevice({ findings }: { findings: IFinding[] }): JSX.Element {
  const { trans } = useView();
  const reasons = findings.filter(finding => finding.severity !== 'ok');
  return (
    <>
      <p className="jp-GreenText">
        {trans.__('No device of this host can be read.')}
      </p>
      {reasons.map((finding, i) => (
        <p key={i} className="jp-GreenText">
          {[finding.title, finding.reason, finding.remedy]
            .filter(Boolean)
            .join('. ')}
        </p>
      ))}
    </>
  );
}

function DoctorLink(): JSX.Element {
  const { trans, run } = useView();
  return (
    <button
      type="button"
      className="jp-GreenLink"
      data-green="doctor"
      onClick={() => run(CommandIDs.runDoctor)}
    >
      {trans.__('What is measured?')}
    </button>
  );
}

function Total(): JSX.Element {
  const { model, trans } = useView();
  useSignal(model.powerChanged);
  const sample = newestSample(model);
  const simulated = model.host?.devices.some(d => d.method === 'simulated');
  return (
    <div className="jp-GreenNow">
      <span className="jp-GreenNow-total" data-green="total-power">
        {sample ? formatPower(sample.total_w) : '–'}
      </span>
      <span className="jp-GreenNow-what">
        {isRemote(model)
          ? trans.__('on the server’s host')
          : trans.__('on this host')}
      </span>
      {simulated && (
        <span className="jp-GreenPill jp-mod-warn">
          {trans.__('simulated')}
        </span>
      )}
    </div>
  );
}

function Device(props: { device: IDevice; devices: IDevice[] }): JSX.Element {
  const { device, devices } = props;
  const { model, trans, run } = useView();
  useSignal(model.powerChanged);
  const watts = newestSample(model)?.power_w[device.id];
  const method = methodWord(device.method, trans);
  const remedy = device.remedy || device.reason;
  const more = trans.__('%1: what can be done', device.name || device.id);
  return (
    <li className="jp-GreenDevice" data-green-device={device.id}>
      <span
        className="jp-GreenSwatch"
        aria-hidden="true"
        style={{ background: `var(${colourOf(device.kind)})` }}
        data-off={device.method === 'none' || undefined}
      />
      <span className="jp-GreenDevice-name" title={device.name || device.id}>
        <b>{deviceWord(device, devices, trans)}</b> {device.name}
      </span>
      <span className="jp-GreenDevice-power">
        {device.method === 'none' ? '' : shown(watts)}
      </span>
      <span
        className={`jp-GreenDevice-method jp-mod-${device.method}`}
        title={methodTip(device.method, trans)}
      >
        {method}
      </span>
      {remedy && (
        <button
          type="button"
          className="jp-GreenLink"
          title={[device.reason, device.remedy].filter(Boolean).join(' ')}
          aria-label={more}
          onClick={() => run(CommandIDs.runDoctor)}
        >
          {device.remedy ? trans.__('Improve…') : trans.__('Why?')}
        </button>
      )}
    </li>
  );
}

function shown(watts: number | null | undefined): string {
  return watts === null || watts === undefined ? '–' : formatPower(watts);
}
