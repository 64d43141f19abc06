using System.Globalization;
using Esper.Contracts.Blueprints;

namespace Esper.Kasmina.Lifecycle;

/// <summary>
/// A module that belongs to a model from its first step, written <c>SITE:SEED=BLUEPRINT</c>, such as
/// <c>block1.out:0=bottleneck-16</c>.
/// </summary>
/// <param name="Site">Name of the host value that the lattice sits at.</param>
/// <param name="Seed">Number of the seed within the site, from 0.</param>
/// <param name="Blueprint">The module's blueprint.</param>
public sealed record InitialModule(string Site, int Seed, Blueprint Blueprint)
{
    /// <summary>Reads the text form.</summary>
    /// <exception cref="FormatException">The text is not of that form, or there is no such blueprint.</exception>
    public static InitialModule Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        int colon = equals < 0 ? -1 : text.LastIndexOf(':', equals);
        bool formed = colon > 0
            & int.TryParse(text.AsSpan(colon + 1, Math.Max(0, equals - colon - 1)), NumberStyles.None, CultureInfo.InvariantCulture, out int seed);
        return formed
            ? new InitialModule(text[..colon].Trim(), seed, Blueprint.Parse(text[(equals + 1)..]))
            : throw new FormatException($"'{text}' is not of the form SITE:SEED=BLUEPRINT, such as block1.out:0=bottleneck-16.");
    }

    /// <summary>The text form; <see cref="Parse"/> of it gives an equal module.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Site}:{Seed}={Blueprint.Name}");
}
