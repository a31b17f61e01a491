// The pages of the console, one line for each. The walk (lib/walk.mjs) begins at the first page and opens all
// that links lead to; every page is looked at in both languages, at both widths, light and dark.
//
// A new page: add its address to PAGES. If no link of a page leads to it, add it to UNLINKED too.

/** Must be come to; what differs in an id is one page. */
export const PAGES = [
  "/today", "/records", "/new", "/new/visit", "/record/{id}", "/record/{id}/edit",
  "/sync", "/members", "/member/{id}", "/member/{id}/certificate", "/devices", "/invite", "/held", "/audit", "/more",
  "/settings", "/session", "/session/{id}", "/schema", "/schema/new", "/schema/{kind}", "/schema/{kind}/field/{field}", "/import", "/export", "/erasures", "/reports",
  "/reports/print", "/notice", "/duplicates",
];

/** Opened although no link leads to them. */
export const UNLINKED = ["/more"];

/** Are there for coordinators alone: whoever else asks is told that there is no such page. */
export const COORDINATORS = ["/schema/new"];

/** Lists of records that show something of their own; the first record of each is opened as well. */
export const LISTS = ["/records?flag=clash", "/records?flag=review"];

/** Pages that are looked at with large letters in the dark as well. */
export const LARGE = ["/today", "/records", "/new", "/new/visit", "/sync", "/members", "/audit", "/settings"];
