/** The theme's variables for devices, in the chart and beside their names.  Pure. */

/** The theme's variable for devices of a kind. */
export function colourOf(kind: string): string {
  const colours: { [kind: string]: string } = {
    gpu: '--jp-brand-color1',
    cpu: '--jp-warn-color1',
    dram: '--jp-success-color1',
    ram: '--jp-success-color1'
  };
  return colours[kind] ?? '--jp-info-color1';
}
