/** The flags of a stored message. */
export const IS_ORDERED = 1;
export const IS_TIMER = 2;
