/**
 * The default set of time zone abbreviations (timezone_abbreviations = 'Default'): fixed offsets in seconds east of
 * Greenwich ("D" marks daylight-saving ones), and names that mean whatever a zone says at the time.
 */
// deno-fmt-ignore
const FIXED = "eat/10800 sast/7200 wat/3600 act/-18000 akdt/-28800/D akst/-32400 bot/-14400 bra/-10800 brst/-7200/D " +
  "brt/-10800 cot/-18000 cdt/-18000/D clst/-10800/D cst/-21600 edt/-14400/D egst/0/D egt/-3600 est/-18000 " +
  "fnt/-7200 fnst/-3600/D gft/-10800 mdt/-21600/D mst/-25200 ndt/-9000/D nft/-12600 nst/-12600 pet/-18000 " +
  "pdt/-25200/D pmdt/-7200/D pmst/-10800 pst/-28800 pyst/-10800/D uyst/-7200/D uyt/-10800 wgst/-7200/D " +
  "wgt/-10800 ddut/36000 aft/16200 almt/21600 almst/25200/D amt/-14400 bdt/21600 bnt/28800 bort/28800 " +
  "btt/21600 cct/28800 hkt/28800 ict/25200 idt/10800/D irt/12600 ist/7200 jayt/32400 jst/32400 kdt/36000/D " +
  "kgst/21600/D kst/32400 mmt/23400 myt/28800 npt/20700 pht/28800 pkt/18000 pkst/21600/D tjt/18000 " +
  "ulast/32400/D uzst/21600/D uzt/18000 xjt/21600 yekst/21600/D adt/-10800/D ast/-14400 azost/0/D azot/-3600 " +
  "acsst/37800/D acdt/37800/D acst/34200 acwst/31500 aesst/39600/D aedt/39600/D aest/36000 awsst/32400/D " +
  "awst/28800 cadt/37800/D cast/34200 lhst/37800 ligt/36000 nzt/43200 sadt/37800/D wadt/28800/D wast/25200 " +
  "wdt/32400/D gmt/0 uct/0 ut/0 utc/0 z/0 zulu/0 bst/3600/D bdst/7200/D cest/7200/D cet/3600 cetdst/7200/D " +
  "eest/10800/D eet/7200 eetdst/10800/D fet/10800 mest/7200/D mesz/7200/D met/3600 metdst/7200/D mez/3600 " +
  "msd/14400/D wet/0 wetdst/3600/D cxt/25200 mut/14400 must/18000/D mvt/18000 ret/14400 sct/14400 tft/18000 " +
  "chadt/49500/D chast/45900 chut/36000 fjst/46800/D fjt/43200 galt/-21600 gamt/-32400 gilt/43200 hst/-36000 " +
  "mart/-34200 mht/43200 mpt/36000 nzdt/46800/D nzst/43200 pgt/36000 pont/39600 pwt/32400 taht/-36000 " +
  "tot/46800 trut/36000 tvt/43200 vut/39600 wakt/43200 wft/43200 yapt/36000";
// deno-fmt-ignore
const DYNAMIC = "art/America/Argentina/Buenos_Aires arst/America/Argentina/Buenos_Aires clt/America/Santiago " +
  "gyt/America/Guyana pyt/America/Asuncion vet/America/Caracas davt/Antarctica/Davis mawt/Antarctica/Mawson " +
  "amst/Asia/Yerevan anast/Asia/Anadyr anat/Asia/Anadyr azst/Asia/Baku azt/Asia/Baku gest/Asia/Tbilisi " +
  "get/Asia/Tbilisi irkst/Asia/Irkutsk irkt/Asia/Irkutsk kgt/Asia/Bishkek krast/Asia/Krasnoyarsk " +
  "krat/Asia/Krasnoyarsk lkt/Asia/Colombo magst/Asia/Magadan magt/Asia/Magadan novst/Asia/Novosibirsk " +
  "novt/Asia/Novosibirsk omsst/Asia/Omsk omst/Asia/Omsk petst/Asia/Kamchatka pett/Asia/Kamchatka " +
  "sgt/Asia/Singapore tmt/Asia/Ashgabat ulat/Asia/Ulaanbaatar vlast/Asia/Vladivostok vlat/Asia/Vladivostok " +
  "yakst/Asia/Yakutsk yakt/Asia/Yakutsk yekt/Asia/Yekaterinburg fkst/Atlantic/Stanley fkt/Atlantic/Stanley " +
  "lhdt/Australia/Lord_Howe msk/Europe/Moscow volt/Europe/Volgograd iot/Indian/Chagos ckt/Pacific/Rarotonga " +
  "easst/Pacific/Easter east/Pacific/Easter kost/Pacific/Kosrae lint/Pacific/Kiritimati nut/Pacific/Niue " +
  "tkt/Pacific/Fakaofo";

export interface TzAbbrev {
  /** Seconds east of Greenwich; 0 for a dynamic one. */
  readonly offset: number;
  readonly isdst: boolean;
  /** Zone that a dynamic abbreviation belongs to. */
  readonly zone?: string;
}
/** By lower-case abbreviation. */
export const DEFAULT_TZ_ABBREVS: ReadonlyMap<string, TzAbbrev> = new Map([
  ...FIXED.split(" ").map((s): [string, TzAbbrev] => {
    const [name, offset, dst] = s.split("/");
    return [name, { offset: Number(offset), isdst: dst === "D" }];
  }),
  ...DYNAMIC.split(" ").map((s): [string, TzAbbrev] => {
    const [name, ...zone] = s.split("/");
    return [name, { offset: 0, isdst: false, zone: zone.join("/") }];
  }),
]);
