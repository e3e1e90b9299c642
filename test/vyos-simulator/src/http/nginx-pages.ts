const TITLES: Record<number, string> = {
  301: '301 Moved Permanently',
  404: '404 Not Found',
  413: '413 Request Entity Too Large',
  502: '502 Bad Gateway',
  503: '503 Service Temporarily Unavailable',
  504: '504 Gateway Time-out',
};

/** The page that nginx itself makes for this status. */
export function nginxPage(status: number, proxy: string): string {
  const title = TITLES[status] ?? String(status);
  return [
    `<html>`,
    `<head><title>${title}</title></head>`,
    `<body>`,
    `<center><h1>${title}</h1></center>`,
    `<hr><center>${proxy}</center>`,
    `</body>`,
    `</html>`,
    '',
  ].join('\r\n');
}
