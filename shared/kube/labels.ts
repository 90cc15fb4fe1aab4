/** Labels and annotations by which Hayloft knows its own objects on any cluster. */

/** On the engine's node and its storage classes: what is left on the file system with the disks. Kubernetes has no field for it. */
export const DISK_FREE_ANNOTATION = 'hayloft.io/disk-free';
/** On a DataVolume and its claim: this volume is an image to make machines from. Value: an {@link ImageKind}. */
export const IMAGE_LABEL = 'hayloft.io/image';
/** The name that a person gave, where it would not be a valid object name. */
export const DISPLAY_NAME_ANNOTATION = 'hayloft.io/display-name';
/** Name of the file that an image was made from. */
export const FILE_NAME_ANNOTATION = 'hayloft.io/file-name';
/** Size in bytes of the file that an image was made from. */
export const FILE_SIZE_ANNOTATION = 'hayloft.io/file-size';
/** On what an upload made, until nobody asks any more: the upload's id, by which its app finds it again. */
export const UPLOAD_LABEL = 'hayloft.io/upload';
/** Of an image: the short name of the system in it, such as `debian`, and the name for people. A guess, by what is on it. */
export const OS_ANNOTATION = 'hayloft.io/os';
export const OS_NAME_ANNOTATION = 'hayloft.io/os-name';
/** With which firmware an image starts: `bios`, `uefi`, `bios,uefi`, or `none`. */
export const BOOTS_ANNOTATION = 'hayloft.io/boots';
/** The name of the volume on a disc. */
export const VOLUME_LABEL_ANNOTATION = 'hayloft.io/volume-label';
/** The format of the file that an image was made from, such as `qcow2`, and the size in bytes of the disk in it. */
export const FORMAT_ANNOTATION = 'hayloft.io/format';
export const VIRTUAL_SIZE_ANNOTATION = 'hayloft.io/virtual-size';
/** Of an image that the cluster fetched: its address, the catalog's entry that it came by, and who logs in to what is in it. */
export const SOURCE_URL_ANNOTATION = 'hayloft.io/source-url';
export const CATALOG_ANNOTATION = 'hayloft.io/catalog-entry';
export const USER_ANNOTATION = 'hayloft.io/user';
/** SHA-256, in hex, of the file that an image was made from, packed or not. */
export const FILE_SUM_ANNOTATION = 'hayloft.io/file-sha256';
/**
 * On a DataVolume that takes an upload, with the value `disk`: what comes is a disk byte for byte (or packed), whatever is
 * on it, so that it is not looked at whether it is an image. CDI takes any bytes, and does not know the annotation.
 */
export const UPLOAD_CONTENT_ANNOTATION = 'hayloft.io/upload-content';
/** Free text about an object, shown in the app. */
export const DESCRIPTION_ANNOTATION = 'hayloft.io/description';

export type ImageKind = 'iso' | 'disk';
