"""The fields Google's messages have: tables for `gemini_fields` to read JSON by.

From google/ai/generativelanguage/v1beta (the published protos and the Live API reference), kept to what a client of ours may send. A field is
`name:type`; `[]` before a type is a list, `{}` a map, `=` an enum of `ENUMS`.
"""

from __future__ import annotations

PACKAGE = "type.googleapis.com/google.ai.generativelanguage.v1beta."

_TABLE = {
    "GenerateContentRequest": "model:string contents:[]Content systemInstruction:Content tools:[]Tool toolConfig:ToolConfig"
    " safetySettings:[]SafetySetting generationConfig:GenerationConfig cachedContent:string serviceTier:=ServiceTier store:bool",
    "CountTokensRequest": "contents:[]Content generateContentRequest:GenerateContentRequest",
    "Content": "parts:[]Part role:string",
    "Part": "text:string inlineData:Blob functionCall:FunctionCall functionResponse:FunctionResponse fileData:FileData"
    " executableCode:Struct codeExecutionResult:Struct videoMetadata:Struct thought:bool thoughtSignature:bytes"
    " partMetadata:Struct mediaResolution:Struct",
    "Blob": "mimeType:string data:bytes",
    "FileData": "mimeType:string fileUri:string",
    "FunctionCall": "id:string name:string args:Struct",
    "FunctionResponse": "id:string name:string response:Struct parts:[]Struct willContinue:bool scheduling:=Scheduling",
    "Tool": "functionDeclarations:[]FunctionDeclaration googleSearchRetrieval:Struct codeExecution:Struct googleSearch:Struct"
    " computerUse:Struct urlContext:Struct fileSearch:Struct mcpServers:[]Struct googleMaps:Struct",
    "FunctionDeclaration": "name:string description:string behavior:=Behavior parameters:Schema parametersJsonSchema:Value"
    " response:Schema responseJsonSchema:Value",
    "Schema": "type:=Type format:string title:string description:string nullable:bool enum:[]string items:Schema maxItems:int64"
    " minItems:int64 properties:{}Schema required:[]string minProperties:int64 maxProperties:int64 minLength:int64"
    " maxLength:int64 pattern:string example:Value anyOf:[]Schema propertyOrdering:[]string default:Value minimum:double"
    " maximum:double",
    "ToolConfig": "functionCallingConfig:FunctionCallingConfig retrievalConfig:Struct includeServerSideToolInvocations:bool",
    "FunctionCallingConfig": "mode:=CallingMode allowedFunctionNames:[]string",
    "SafetySetting": "category:=HarmCategory threshold:=HarmBlockThreshold",
    "GenerationConfig": "candidateCount:int32 stopSequences:[]string maxOutputTokens:int32 temperature:float topP:float"
    " topK:int32 seed:int32 responseMimeType:string responseSchema:Schema responseJsonSchema:Value _responseJsonSchema:Value"
    " presencePenalty:float frequencyPenalty:float responseLogprobs:bool logprobs:int32 enableEnhancedCivicAnswers:bool"
    " responseModalities:[]=Modality speechConfig:SpeechConfig thinkingConfig:ThinkingConfig imageConfig:Struct"
    " mediaResolution:=MediaResolution translationConfig:Struct",
    "ThinkingConfig": "includeThoughts:bool thinkingBudget:int32 thinkingLevel:=ThinkingLevel",
    "SpeechConfig": "voiceConfig:VoiceConfig languageCode:string multiSpeakerVoiceConfig:Struct",
    "VoiceConfig": "prebuiltVoiceConfig:PrebuiltVoiceConfig",
    "PrebuiltVoiceConfig": "voiceName:string",
    # Live
    "BidiGenerateContentClientMessage": "setup:BidiGenerateContentSetup clientContent:BidiGenerateContentClientContent"
    " realtimeInput:BidiGenerateContentRealtimeInput toolResponse:BidiGenerateContentToolResponse"
    " contextUpdate:BidiGenerateContentContextUpdate",
    "BidiGenerateContentSetup": "model:string generationConfig:GenerationConfig systemInstruction:Content tools:[]Tool"
    " realtimeInputConfig:RealtimeInputConfig sessionResumption:SessionResumptionConfig"
    " contextWindowCompression:ContextWindowCompressionConfig inputAudioTranscription:AudioTranscriptionConfig"
    " outputAudioTranscription:AudioTranscriptionConfig proactivity:ProactivityConfig historyConfig:HistoryConfig"
    " safetySettings:[]SafetySetting",
    "BidiGenerateContentClientContent": "turns:[]Content turnComplete:bool",
    "BidiGenerateContentRealtimeInput": "mediaChunks:[]Blob audio:Blob video:Blob text:string activityStart:Empty"
    " activityEnd:Empty audioStreamEnd:bool",
    "BidiGenerateContentToolResponse": "functionResponses:[]FunctionResponse",
    "BidiGenerateContentContextUpdate": "systemInstruction:Content tools:ContextUpdateTools",
    "ContextUpdateTools": "tools:[]Tool",
    "RealtimeInputConfig": "automaticActivityDetection:AutomaticActivityDetection activityHandling:=ActivityHandling"
    " turnCoverage:=TurnCoverage",
    "AutomaticActivityDetection": "disabled:bool startOfSpeechSensitivity:=StartSensitivity"
    " endOfSpeechSensitivity:=EndSensitivity prefixPaddingMs:int32 silenceDurationMs:int32",
    "SessionResumptionConfig": "handle:string",
    "ContextWindowCompressionConfig": "slidingWindow:SlidingWindow triggerTokens:int64",
    "SlidingWindow": "targetTokens:int64",
    "AudioTranscriptionConfig": "languageCodes:[]string languageHints:Struct languageAuto:Struct customVocabulary:[]string",
    "ProactivityConfig": "proactiveAudio:bool",
    "HistoryConfig": "initialHistoryInClientContent:bool",
    "Empty": "",
}
FIELDS: dict[str, dict[str, str]] = {
    message: dict(field.split(":", 1) for field in fields.split()) for message, fields in _TABLE.items()
}
"""Message → field → type."""

ENUMS: dict[str, frozenset[str]] = {
    name: frozenset(values.split())
    for name, values in {
        "Type": "STRING NUMBER INTEGER BOOLEAN ARRAY OBJECT NULL",
        "ServiceTier": "STANDARD FLEX PRIORITY",
        "Behavior": "UNSPECIFIED BLOCKING NON_BLOCKING",
        "Scheduling": "SCHEDULING_UNSPECIFIED SILENT WHEN_IDLE INTERRUPT",
        "CallingMode": "MODE_UNSPECIFIED AUTO ANY NONE VALIDATED",
        "Modality": "TEXT IMAGE AUDIO",
        "MediaResolution": "MEDIA_RESOLUTION_UNSPECIFIED MEDIA_RESOLUTION_LOW MEDIA_RESOLUTION_MEDIUM MEDIA_RESOLUTION_HIGH",
        "ThinkingLevel": "THINKING_LEVEL_UNSPECIFIED MINIMAL LOW MEDIUM HIGH",
        "HarmCategory": "HARM_CATEGORY_HARASSMENT HARM_CATEGORY_HATE_SPEECH HARM_CATEGORY_SEXUALLY_EXPLICIT"
        " HARM_CATEGORY_DANGEROUS_CONTENT HARM_CATEGORY_CIVIC_INTEGRITY",
        "HarmBlockThreshold": "BLOCK_LOW_AND_ABOVE BLOCK_MEDIUM_AND_ABOVE BLOCK_ONLY_HIGH BLOCK_NONE OFF",
        "ActivityHandling": "ACTIVITY_HANDLING_UNSPECIFIED START_OF_ACTIVITY_INTERRUPTS NO_INTERRUPTION",
        "TurnCoverage": "TURN_COVERAGE_UNSPECIFIED TURN_INCLUDES_ONLY_ACTIVITY TURN_INCLUDES_ALL_INPUT"
        " TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO",
        "StartSensitivity": "START_SENSITIVITY_UNSPECIFIED START_SENSITIVITY_HIGH START_SENSITIVITY_LOW",
        "EndSensitivity": "END_SENSITIVITY_UNSPECIFIED END_SENSITIVITY_HIGH END_SENSITIVITY_LOW",
    }.items()
}
_VOICES = (
    "Zephyr Kore Orus Autonoe Umbriel Erinome Laomedeia Schedar Achird Sadachbia Puck Fenrir Aoede Enceladus Algieba Algenib Achernar"
    " Gacrux Zubenelgenubi Sadaltager Charon Leda Callirrhoe Iapetus Despina Rasalgethi Alnilam Pulcherrima Vindemiatrix Sulafat"
)
VOICES = frozenset(_VOICES.split())
"""The prebuilt voices."""
