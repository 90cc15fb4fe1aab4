/** What is behind a machine's volume. */
import type { Volume } from './kubevirt.ts';

/** Name of the claim that a volume is on: a DataVolume's has its name. Undefined where there is no claim. */
export function volumeSourceName({ dataVolume, persistentVolumeClaim }: Pick<Volume, 'dataVolume' | 'persistentVolumeClaim'>): string | undefined {
  return dataVolume?.name ?? persistentVolumeClaim?.claimName;
}

/** Whether it can be plugged in and taken out while the machine runs. */
export function isHotpluggable({ dataVolume, persistentVolumeClaim }: Pick<Volume, 'dataVolume' | 'persistentVolumeClaim'>): boolean {
  return (dataVolume ?? persistentVolumeClaim)?.hotpluggable === true;
}
