/** Members of a tar archive; each costs a read of its header, and some hundred bytes here. Of zip see `MAX_MEMBERS` there. */
export const MAX_TAR_MEMBERS = 1 << 18;

/** Characters of all names of a tar archive together: names of pax may be of any length (CWE-770). */
export const MAX_TAR_NAMES = 32 << 20;

/** Bytes that one archive unpacks to at most. What is stored needs no unpacking, however large it is. */
export const MAX_UNPACKED_BYTES = 64 * 2 ** 30;

/** What is smaller may be compressed as well as it likes: a megabyte of zeros is a kilobyte. */
export const FREE_BYTES = 64 << 20;

/** How often larger what is unpacked may be than what it is unpacked from. Weights shrink by a third; deflate reaches 1032. */
export const MAX_RATIO = 128;
