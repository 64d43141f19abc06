using System.Collections.Immutable;

namespace Esper.Cli.Catalog;

/// <summary>A value that can carry seeds, as <c>esper sites HOST --json</c> shows it.</summary>
/// <param name="Value">Its name.</param>
/// <param name="Op">Operator that makes it.</param>
/// <param name="Shape">Its shape; N is the batch size.</param>
/// <param name="Layout"><c>nchw</c> (channels on axis 1) or <c>tokens</c> (channels on the last axis).</param>
/// <param name="Channels">Number of channels.</param>
/// <param name="Producer">The parameter whose slices make the channels; null if there is none.</param>
/// <param name="FlopsShare">Share of the host's forward FLOPs that the value depends on, 0 to 1.</param>
/// <param name="Selected">Whether the list of selectors takes it.</param>
/// <param name="Selectors">Those of the single selectors that take it.</param>
internal sealed record SiteDocument(
    string Value,
    string Op,
    string Shape,
    string Layout,
    int Channels,
    string? Producer,
    double FlopsShare,
    bool Selected,
    ImmutableArray<string> Selectors);

/// <summary>A host's sites.</summary>
/// <param name="Host">The host.</param>
/// <param name="Input">What it reads, with the sizes that the figures hold for.</param>
/// <param name="Selectors">The list of selectors: that of <c>--sites</c>, or the host's own.</param>
/// <param name="Sites">All values that can carry seeds, in order of execution.</param>
internal sealed record SitesDocument(string Host, string Input, ImmutableArray<string> Selectors, ImmutableArray<SiteDocument> Sites);
