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
  const name = kernel.path || kernel.name;
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
        {heldText(kernel, trans)} {drawnText(kernel, trans)}
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

type Words = ReturnType<typeof useView>['trans'];

function heldText(kernel: IIdleKernel, trans: Words): string {
  const known = kernel.devices.flatMap(d => d.memory_bytes ?? []);
  const idle = formatDuration(kernel.idle_s);
  if (!known.length) {
    return trans.__('Has held GPU memory for %1 without running a cell.', idle);
  }
  const bytes = known.reduce((sum, part) => sum + part, 0);
  return trans.__(
    'Has held %1 of GPU memory for %2 without running a cell.',
    formatMemory(bytes),
    idle
  );
}

/** What the GPU drew meanwhile; of a part of the time it is no figure of all of it. */
function drawnText(kernel: IIdleKernel, trans: Words): string {
  const { energy_j: energyJ, reason } = kernel;
  if (energyJ === null) {
    return trans.__(
      'What the GPU drew in that time is not known: %1.',
      reason ?? trans.__('nothing was sampled')
    );
  }
  const energy = formatEnergy(energyJ);
  return reason
    ? trans.__('The GPU drew at least %1: %2.', energy, reason)
    : trans.__('The GPU drew %1 in that time.', energy);
}
