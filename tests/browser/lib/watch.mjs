// What must not happen on any page, whatever is done on it.

/** Notes everything that a page does wrong while it is open; the notes are the answer. */
export function watch(page, origin) {
  const faults = [];
  const where = () => page.url().replace(origin, "");
  const note = (what) => faults.push(`${where()}: ${what}`);
  const isPage = (url) => url === page.url();
  page.on("pageerror", (error) => note(`script error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() !== "error" && message.type() !== "warn") return;
    // That a page itself was refused (404, 422) is what it says; the tests look at it.
    const isRefusal = message.text().startsWith("Failed to load resource") && isPage(message.location().url);
    if (!isRefusal) note(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && !url.startsWith("data:")) note(`asks another place: ${url}`);
  });
  page.on("response", (response) => {
    const isNavigation = response.request().isNavigationRequest();
    const worst = isNavigation ? 499 : 399;
    if (response.status() > worst) note(`${response.status()} for ${response.url().replace(origin, "")}`);
  });
  return faults;
}
