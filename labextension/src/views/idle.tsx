/** Kernels that hold GPU memory and run nothing, with a way to end that. */
import * as React from 'react';

import { formatDuration, formatEnergy, formatMemory } from '../format';
import { CommandIDs } from '../ids';
import type { IIdleKernel } from '../tokens';
import { useSignal, useView } from './context';
import { Section } from './section';

/** The section on idle waste; nothing where there is none. */
export function Idle(): JSX.Element | null {
  const { model, trans } = useView();
  useSignal(model.stateChanged);
  const kernels = model.idle?.kernels ?? [];
  if (!kernels.length) {
    return null;
  }
  return (
    <Section name="idle" title={trans.__('Idle')}>
      <ul className="jp-GreenCells" aria-label={trans.__('Idle kernels')}>
        {kernels.map(kernel => (
          <IdleRow key={kernel.kernel_id} kernel={kernel} />
        ))}
      </ul>
    </Section>
  );
}

function IdleRow({ kernel }: { kernel: IIdleKernel }): JSX.Element {
  const { trans, run } = useView();
  const known = kernel.devices.flatMap(d => d.memory_bytes ?? []);
  const memory = known.length ? known.reduce((sum, b) => sum + b, 0) : null;
  const name = kernel.path || kernel.name;
  const held = formatMemory(memory);
  const idle = formatDuration(kernel.idle_s);
  return (
    <li className="jp-GreenCell" data-green-idle={kernel.kernel_id}>
      <div className="jp-GreenCell-line">
        <span className="jp-GreenCell-title" title={name}>
          {name}
        </span>
        <span className="jp-GreenCell-energy">
          {formatEnergy(kernel.energy_j)}
        </span>
      </div>
      <p className="jp-GreenText">
        {trans.__(
          'Has held %1 of GPU memory for %2 without running a cell. The GPU drew %3 in that time.',
          held,
          idle,
          formatEnergy(kernel.energy_j)
        )}
      </p>
      <button
        type="button"
        className="jp-GreenButton"
        onClick={() =>
          run(CommandIDs.shutDownKernel, {
            kernelId: kernel.kernel_id,
            name
          })
        }
      >
        {trans.__('Shut down kernel…')}
      </button>
    </li>
  );
}
