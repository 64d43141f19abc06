using Esper.Contracts.Lifecycle;

namespace Esper.Nissa;

/// <summary>How a stage is shown, in reports and terminals alike.</summary>
/// <param name="Stage">The stage.</param>
/// <param name="Letter">One character, distinct for every stage, so that colour is never the only cue.</param>
/// <param name="Color">Fill as <c>#rrggbb</c>.</param>
/// <param name="DarkColor">Fill on a dark page as <c>#rrggbb</c>.</param>
/// <param name="Ink">Text on <see cref="Color"/> as <c>#rrggbb</c>, of contrast 4.5 to 1 or more.</param>
/// <param name="DarkInk">Text on <see cref="DarkColor"/> as <c>#rrggbb</c>, of contrast 4.5 to 1 or more.</param>
public sealed record StageStyle(
    SeedStage Stage, char Letter, string Color, string DarkColor, string Ink, string DarkInk)
{
    /// <summary>Name of the stage.</summary>
    public string Name => Stage.ToString();
}

/// <summary>
/// Colours and letters of the stages. The hues of active stages are those of Okabe and Ito, which people with colour
/// vision deficiencies can tell apart (https://jfly.uni-koeln.de/color/); stages without a module recede.
/// </summary>
public static class StagePalette
{
    private const string Black = "#11151c";
    private const string White = "#ffffff";

    private static readonly StageStyle[] Styles =
    [
        new(SeedStage.Dormant, '·', "#dfe3e9", "#2e3540", Black, "#d5dbe5"),
        new(SeedStage.Germinated, 'g', "#f0e442", "#f0e442", Black, Black),
        new(SeedStage.Training, 'T', "#56b4e9", "#56b4e9", Black, Black),
        new(SeedStage.Blending, 'B', "#e69f00", "#e69f00", Black, Black),
        new(SeedStage.Holding, 'H', "#cc79a7", "#cc79a7", Black, Black),
        new(SeedStage.Fossilized, 'F', "#009e73", "#009e73", Black, Black),
        new(SeedStage.Culled, 'x', "#d55e00", "#d55e00", Black, Black),
        new(SeedStage.Embargoed, 'e', "#7a5c49", "#8a6a55", White, White),
        new(SeedStage.Resetting, 'r', "#5b6777", "#66758a", White, White),
    ];

    /// <summary>Styles of all stages, in the order of their numbers.</summary>
    public static IReadOnlyList<StageStyle> All => Styles;

    /// <summary>Style of a stage.</summary>
    public static StageStyle Of(SeedStage stage) => Styles[(int)stage];
}
