/** The panel's icon. */
import { LabIcon } from '@jupyterlab/ui-components';

import leaf from '../style/leaf.svg';

/** A leaf, in the colours of the theme. */
export const greenIcon = new LabIcon({
  name: 'jupyter-green:leaf',
  svgstr: leaf
});
