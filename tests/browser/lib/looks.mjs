// The windows in which people look at the console.

export const PHONE = { width: 375, height: 812 };
export const WIDE = { width: 1280, height: 800 };

const look = (lang, width) => ({ lang, width, size: width === "phone" ? PHONE : WIDE, name: `${lang} ${width}` });

/** Chinese on a phone, English on a laptop: for flows that take long. */
export const TWO_LOOKS = [look("zh", "phone"), look("en", "wide")];

/** Both languages at both widths: for flows that are quick. */
export const FOUR_LOOKS = [...TWO_LOOKS, look("en", "phone"), look("zh", "wide")];
