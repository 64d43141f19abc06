namespace Esper.Nissa.Report;

/// <summary>The report's style sheet.</summary>
internal static class ReportStyle
{
    private const string Light = """
        --page:#f5f6f8;--card:#ffffff;--edge:#e1e5ea;--text:#1a202a;--muted:#5b6573;--grid:#e8ebef;--axis:#8b95a3;
        --hover:rgba(40,80,140,.08);--good:#00714f;--bad:#b34700;--warn:#8a5a00;--goodbg:#e0f4ec;--warnbg:#fdf1d8;--badbg:#fde6d9;
        --c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#b0528a;--c4:#b87f00;--c5:#3b9bd4;--c6:#6f5bb5;--c7:#7d8794;
        """;

    private const string Dark = """
        --page:#0f1319;--card:#181d26;--edge:#2a323e;--text:#e6eaf0;--muted:#98a3b3;--grid:#252c37;--axis:#6c7787;
        --hover:rgba(140,190,255,.10);--good:#35c795;--bad:#ff9a57;--warn:#f2c057;--goodbg:#10382d;--warnbg:#3a2d10;--badbg:#452410;
        --c0:#4ba6e3;--c1:#f0853a;--c2:#2dc197;--c3:#dd92bd;--c4:#e6b23c;--c5:#8fd0f5;--c6:#a897e6;--c7:#8792a1;
        """;

    private const string Rules = """
        *{box-sizing:border-box}
        body{margin:0;background:var(--page);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",Arial,sans-serif}
        main{max-width:1240px;margin:0 auto;padding:28px 24px 60px}
        h1{font-size:26px;line-height:1.25;margin:0;overflow-wrap:anywhere}
        h2{font-size:18px;margin:0 0 12px}
        h3{font-size:14px;margin:0}
        p{margin:4px 0}
        section{background:var(--card);border:1px solid var(--edge);border-radius:10px;padding:18px 22px;margin-top:18px}
        .title{display:flex;flex-wrap:wrap;gap:8px 14px;align-items:center}
        .facts,.note,.muted,.empty{color:var(--muted)}
        .note{font-size:13px}
        .state{border-radius:99px;padding:2px 12px;font-size:13px;font-weight:600}
        .state.good{background:var(--goodbg);color:var(--good)}
        .state.warn{background:var(--warnbg);color:var(--warn)}
        .notice{background:var(--warnbg);border-left:3px solid var(--warn);border-radius:4px;padding:8px 12px;margin-top:10px;overflow-wrap:anywhere}
        .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(250px,1fr));gap:12px;margin-top:18px}
        .tile{background:var(--card);border:1px solid var(--edge);border-radius:10px;padding:12px 16px}
        .tile .name{color:var(--muted);font-size:13px}
        .tile .value{font-size:24px;font-weight:650;line-height:1.35;font-variant-numeric:tabular-nums}
        .tile .value.code{font:600 18px/1.8 ui-monospace,"DejaVu Sans Mono",monospace}
        .tile .detail{color:var(--muted);font-size:12.5px;font-variant-numeric:tabular-nums}
        .charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,500px),1fr));gap:22px 26px}
        figure{margin:0;min-width:0}
        figcaption{display:flex;flex-wrap:wrap;gap:2px 12px;align-items:baseline;margin-bottom:6px}
        figcaption p{margin:0}
        .scroll{overflow-x:auto}
        svg.chart{display:block;width:100%;height:auto;min-width:400px;max-width:760px}
        .wide svg.chart{min-width:900px;max-width:none}
        svg text{font-family:inherit;fill:var(--text)}
        svg .tick,svg .unit{font-size:11.5px;fill:var(--muted);font-variant-numeric:tabular-nums}
        svg .end{text-anchor:end}
        svg .halo{paint-order:stroke;stroke:var(--card);stroke-width:4px;stroke-linejoin:round}
        svg .mid{text-anchor:middle}
        svg .site{font-size:12px;font-weight:600;white-space:pre}
        svg .inside{font-size:11px;font-weight:600;white-space:pre;pointer-events:none}
        .grid{stroke:var(--grid)}
        .axis{stroke:var(--axis)}
        .reference{stroke:var(--axis);stroke-dasharray:4 4}
        .line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round;pointer-events:none}
        .line.faint{stroke-width:1;opacity:.55}
        .line.thin{stroke-width:1.2}
        .chart circle{pointer-events:none}
        .mark{stroke:var(--text);stroke-width:.6}
        .span{stroke:var(--card);stroke-width:1}
        .hit{fill:transparent}
        .hit:hover{fill:var(--hover)}
        .interval{stroke:var(--muted);stroke-width:2}
        .dot{fill:var(--c0)}
        .legend{list-style:none;display:flex;flex-wrap:wrap;gap:4px 16px;margin:8px 0;padding:0;font-size:12.5px;color:var(--muted)}
        .legend li{display:flex;align-items:center;gap:6px}
        .key{display:inline-block;min-width:18px;text-align:center;border-radius:3px;font-size:11px;font-weight:600;line-height:16px}
        .pill{display:inline-block;border-radius:4px;padding:0 7px;font-size:12px;font-weight:600;line-height:19px}
        table{border-collapse:collapse;width:100%;font-size:13.5px}
        th{text-align:left;color:var(--muted);font-weight:600;white-space:nowrap}
        th,td{padding:5px 12px 5px 0;border-bottom:1px solid var(--edge);vertical-align:top}
        td.number{font-variant-numeric:tabular-nums;white-space:nowrap}
        td.change{white-space:nowrap}
        .pairs th{width:170px}
        .pairs td{overflow-wrap:anywhere}
        .measurements{list-style:none;margin:2px 0 0;padding:0;font-size:12.5px;font-variant-numeric:tabular-nums}
        .measurements .good{color:var(--good)}
        .measurements .bad{color:var(--bad)}
        details{margin-top:8px}
        summary{cursor:pointer;font-weight:600;padding:4px 0}
        pre{background:var(--page);border:1px solid var(--edge);border-radius:6px;padding:12px;overflow-x:auto;font:12.5px/1.5 ui-monospace,"DejaVu Sans Mono",monospace}
        .band{stroke:none;opacity:.15;pointer-events:none}
        .curve{fill:none;stroke-width:2.4;stroke-linejoin:round;pointer-events:none}
        .curve.minor{stroke-width:1.2;opacity:.75}
        .verdict{display:inline-block;border-radius:99px;padding:1px 11px;font-size:13px;font-weight:650;white-space:nowrap}
        .verdict.supported{background:var(--goodbg);color:var(--good)}
        .verdict.refuted{background:var(--badbg);color:var(--bad)}
        .verdict.not_supported,.verdict.no_verdict{background:var(--warnbg);color:var(--warn)}
        .claim{border-top:1px solid var(--edge);padding:12px 0 8px}
        .claim:first-of-type{border-top:0;padding-top:0}
        .claim h3{display:flex;flex-wrap:wrap;gap:6px 12px;align-items:center;font-size:15.5px}
        .hypothesis{font-size:16px;max-width:86ch;margin-top:8px}
        .seeddot{fill:var(--muted);opacity:.55}
        td.arm{font-weight:600;white-space:nowrap}
        .figures th.number,.figures td.number{text-align:right}
        h4{font-size:13px;margin:14px 0 4px;color:var(--muted)}
        .tip{display:none;position:fixed;z-index:9;pointer-events:none;background:var(--text);color:var(--card);border-radius:6px;padding:6px 10px;font-size:12.5px;line-height:1.45;white-space:pre;max-width:90vw;overflow:hidden}
        @media (max-width:700px){main{padding:16px 12px}section{padding:14px}}
        @media print{body{background:#fff}section{break-inside:avoid}}
        """;

    /// <summary>The style sheet, stage colours included.</summary>
    public static string Css { get; } =
        $":root{{color-scheme:light dark;{Light}{Stages(dark: false)}}}\n"
        + $"@media (prefers-color-scheme:dark){{:root{{{Dark}{Stages(dark: true)}}}}}\n"
        + Rules + "\n"
        + string.Concat(StagePalette.All.Select(s => $".st{(int)s.Stage}{{background:var(--st{(int)s.Stage});color:var(--si{(int)s.Stage})}}\n"));

    private static string Stages(bool dark) => string.Concat(StagePalette.All.Select(s =>
        $"--st{(int)s.Stage}:{(dark ? s.DarkColor : s.Color)};--si{(int)s.Stage}:{(dark ? s.DarkInk : s.Ink)};"));
}
