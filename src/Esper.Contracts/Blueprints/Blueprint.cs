using System.Globalization;

namespace Esper.Contracts.Blueprints;

/// <summary>Family of a module g in f(x) = x + g(x). The numbers are those of <c>esper_family</c>.</summary>
public enum BlueprintFamily
{
    /// <summary>g(x) = u * x + t, per channel.</summary>
    Affine = 0,

    /// <summary>g(x) = B (A x), LoRA.</summary>
    LowRank = 1,

    /// <summary>g(x) = W2 act(W1 x + b1) + b2.</summary>
    Bottleneck = 2,
}

/// <summary>Activation of a bottleneck. The numbers are those of <c>esper_activation</c>.</summary>
public enum BlueprintActivation
{
    /// <summary>max(x, 0).</summary>
    Relu = 0,

    /// <summary>x Phi(x), exact.</summary>
    Gelu = 1,

    /// <summary>x sigmoid(x).</summary>
    Silu = 2,

    /// <summary>Hyperbolic tangent.</summary>
    Tanh = 3,

    /// <summary>1 / (1 + exp(-x)).</summary>
    Sigmoid = 4,
}

/// <summary>How host and module values become one. The numbers are those of <c>esper_blend</c>.</summary>
public enum BlendMode
{
    /// <summary>(1 - alpha) h + alpha z.</summary>
    Convex = 0,

    /// <summary>h + alpha g(x).</summary>
    Residual = 1,

    /// <summary>Convex with one learned weight a channel.</summary>
    Channel = 2,

    /// <summary>Convex with a learned gate a position.</summary>
    Gated = 3,

    /// <summary>Convex with a weight that follows the logit margin.</summary>
    Confidence = 4,
}

/// <summary>
/// Architecture of a seed's module. Its name is its whole description: <c>affine</c>, <c>lowrank-R</c>,
/// <c>bottleneck-R</c> (GELU) or <c>bottleneck-R-ACTIVATION</c>, each optionally followed by <c>+BLEND</c>
/// (<c>lowrank-8+gated</c>); the blend is <c>convex</c> where none is named.
/// </summary>
/// <param name="Family">The family.</param>
/// <param name="Rank">Width of the hidden layer, 1 to 4096; 0 for <see cref="BlueprintFamily.Affine"/>.</param>
/// <param name="Activation">Activation of a bottleneck.</param>
/// <param name="Blend">Blend mode.</param>
public sealed record Blueprint(BlueprintFamily Family, int Rank, BlueprintActivation Activation, BlendMode Blend)
{
    /// <summary>Largest rank that the kernels accept.</summary>
    public const int MaximumRank = 4096;

    /// <summary>Canonical name; <see cref="Parse"/> of it gives an equal blueprint.</summary>
    public string Name
    {
        get
        {
            string module = Family switch
            {
                BlueprintFamily.Affine => "affine",
                BlueprintFamily.LowRank => $"lowrank-{Rank}",
                _ when Activation == BlueprintActivation.Gelu => $"bottleneck-{Rank}",
                _ => $"bottleneck-{Rank}-{Activation.ToString().ToLowerInvariant()}",
            };
            return Blend == BlendMode.Convex ? module : $"{module}+{Blend.ToString().ToLowerInvariant()}";
        }
    }

    /// <summary>Number of parameters, blend parameters included, over a chunk of <paramref name="channels"/> channels.</summary>
    public long ParameterCount(int channels)
    {
        long c = channels, r = Rank;
        long module = Family switch
        {
            BlueprintFamily.Affine => 2 * c,
            BlueprintFamily.LowRank => 2 * c * r,
            _ => (2 * c * r) + r + c,
        };
        long blend = Blend switch
        {
            BlendMode.Channel => c,
            BlendMode.Gated => c + 1,
            _ => 0,
        };
        return module + blend;
    }

    /// <summary>Reads a name.</summary>
    /// <exception cref="FormatException">The name is not of one of the known forms; the message lists them.</exception>
    public static Blueprint Parse(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        string[] halves = name.Trim().ToLowerInvariant().Split('+');
        string[] parts = halves[0].Split('-');
        BlendMode blend = BlendMode.Convex;
        if (halves.Length > 2 || (halves.Length == 2 && !TryName(halves[1], out blend)))
        {
            throw Malformed(name);
        }

        switch (parts)
        {
            case ["affine"]:
                return new Blueprint(BlueprintFamily.Affine, 0, BlueprintActivation.Gelu, blend);
            case ["lowrank", var rank]:
                return new Blueprint(BlueprintFamily.LowRank, ParseRank(name, rank), BlueprintActivation.Gelu, blend);
            case ["bottleneck", var rank]:
                return new Blueprint(BlueprintFamily.Bottleneck, ParseRank(name, rank), BlueprintActivation.Gelu, blend);
            case ["bottleneck", var rank, var act] when TryName(act, out BlueprintActivation activation):
                return new Blueprint(BlueprintFamily.Bottleneck, ParseRank(name, rank), activation, blend);
            default:
                throw Malformed(name);
        }
    }

    /// <summary>The canonical name.</summary>
    public override string ToString() => Name;

    private static int ParseRank(string name, string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int rank) && rank is >= 1 and <= MaximumRank
            ? rank
            : throw new FormatException(
                $"Blueprint '{name}': rank '{text}' is not a whole number from 1 to {MaximumRank}.");

    private static bool TryName<T>(string text, out T value)
        where T : struct, Enum
    {
        foreach (T candidate in Enum.GetValues<T>())
        {
            if (string.Equals(candidate.ToString(), text, StringComparison.OrdinalIgnoreCase))
            {
                value = candidate;
                return true;
            }
        }

        value = default;
        return false;
    }

    private static FormatException Malformed(string name) => new(
        $"'{name}' is no blueprint. Known forms: affine, lowrank-RANK, bottleneck-RANK, "
        + "bottleneck-RANK-(relu|gelu|silu|tanh|sigmoid), each optionally with +(convex|residual|channel|gated|confidence).");
}
