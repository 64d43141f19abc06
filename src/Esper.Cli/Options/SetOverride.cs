using Esper.Tolaria.Configuration;

namespace Esper.Cli.Options;

/// <summary>One <c>--set key.path=value</c>.</summary>
/// <param name="Key">The key.</param>
/// <param name="Value">The value, of the key's type.</param>
internal sealed record SetOverride(ConfigKey Key, object? Value)
{
    /// <summary>Reads the text behind <c>--set</c>.</summary>
    /// <exception cref="UsageException">No key, an unknown one, or a value of another type.</exception>
    public static SetOverride Parse(string text)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0)
        {
            throw new UsageException(
                $"--set '{text}' is not of the form key.path=value", "for example --set lifecycle.kappa=0.5");
        }

        ConfigKey key = ConfigKeys.Of(text[..equals].Trim());
        try
        {
            return new SetOverride(key, key.Parse(text[(equals + 1)..].Trim()));
        }
        catch (FormatException e)
        {
            throw new UsageException($"--set {key.Path}: {e.Message}");
        }
    }

    /// <summary>The configuration with the key set.</summary>
    public RunConfig Apply(RunConfig config) => Key.Set(config, Value);
}
