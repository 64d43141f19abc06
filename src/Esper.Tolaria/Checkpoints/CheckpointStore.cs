using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Esper.Contracts;
using Esper.Native;

namespace Esper.Tolaria.Checkpoints;

/// <summary>
/// The checkpoints of a run: one safetensors file each, named after the step, written beside and renamed, so that a crash leaves the older
/// ones whole.
/// </summary>
public sealed class CheckpointStore(string directory, int kept)
{
    private const string StateKey = "esper.run_state";
    private const string FormatKey = "esper.format";
    private const string Format = "2";

    /// <summary>Path of the newest checkpoint; null if there is none.</summary>
    public string? Newest() => Directory.Exists(directory)
        ? Directory.EnumerateFiles(directory, "step-*.safetensors").Order(StringComparer.Ordinal).LastOrDefault()
        : null;

    /// <summary>
    /// Writes a checkpoint and removes those beyond the number kept, and those of later steps: the run has been taken back behind
    /// them.
    /// </summary>
    /// <returns>Its path.</returns>
    public string Write(HostSession session, RunState state)
    {
        ArgumentNullException.ThrowIfNull(session);
        ArgumentNullException.ThrowIfNull(state);
        Directory.CreateDirectory(directory);
        string path = Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"step-{state.Step:D9}.safetensors"));
        string temporary = path + ".partial";
        ImmutableDictionary<string, string> metadata = ImmutableDictionary<string, string>.Empty
            .Add(FormatKey, Format)
            .Add(StateKey, JsonSerializer.Serialize(state, EsperJson.Compact));
        using (FileStream file = new(temporary, FileMode.Create, FileAccess.Write))
        {
            Safetensors.Write(file, SessionTensors.Read(session), metadata);
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
        string[] all = [.. Directory.EnumerateFiles(directory, "step-*.safetensors").Order(StringComparer.Ordinal)];
        string[] past = [.. all.Where(file => string.CompareOrdinal(file, path) <= 0)];
        foreach (string file in all.Except(past).Concat(past.SkipLast(kept)))
        {
            File.Delete(file);
        }

        return path;
    }

    /// <summary>Reads a checkpoint.</summary>
    /// <exception cref="EsperException">The file is corrupt or of another format.</exception>
    public static Checkpoint Read(string path)
    {
        (ImmutableArray<SavedTensor> tensors, ImmutableDictionary<string, string> metadata) = Safetensors.Read(path);
        if (metadata.GetValueOrDefault(FormatKey) != Format || !metadata.TryGetValue(StateKey, out string? text))
        {
            throw new EsperException($"{path}: not a checkpoint of this version of Esper (no '{FormatKey}' = {Format}).");
        }

        try
        {
            RunState? state = JsonSerializer.Deserialize<RunState>(text, EsperJson.Compact);
            return new Checkpoint(tensors, state ?? throw new JsonException("the run state is null"));
        }
        catch (JsonException error)
        {
            throw new EsperException($"{path}: the run state inside is corrupt: {error.Message}", error);
        }
    }
}
